import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { ConsumedMessage, FetchConsumer, TopicPartition, TopicPartitionOffset } from '../../src/kafka/contract.ts';
import type { DirectFetchConsumer } from '../../src/kafka/direct/direct-fetch-consumer.ts';
import { NeedsNativeClient } from '../../src/kafka/direct/needs-native-client.ts';
import { FallbackFetchConsumer } from '../../src/kafka/fallback-fetch-consumer.ts';

const names = (partitions: readonly TopicPartition[]): string => partitions.map(({ partition }) => partition).join();
const places = (partitions: readonly TopicPartitionOffset[]): string => partitions.map(({ partition, offset }) => `${partition}@${offset}`).join();

/** Says what is done to it. */
class FakeConsumer implements FetchConsumer {
  readonly calls: string[] = [];
  assigned: (TopicPartitionOffset & { paused: boolean })[] = [];
  /** What the next consume throws. */
  consumeError: Error | undefined;
  connectError: Error | undefined;
  assignError: Error | undefined;
  /** A connect waits for it. */
  gate: Promise<void> = Promise.resolve();
  listener: (() => void) | undefined;

  async connect(timeoutMs: number): Promise<void> {
    this.calls.push(`connect ${timeoutMs}`);
    await this.gate;
    if (this.connectError !== undefined) throw this.connectError;
  }

  async assign(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    this.calls.push(`assign ${places(partitions)}`);
  }

  async incrementalAssign(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    this.calls.push(`incrementalAssign ${places(partitions)}`);
    await undefined;
    if (this.assignError !== undefined) throw this.assignError;
  }

  async incrementalUnassign(partitions: readonly TopicPartition[]): Promise<void> {
    this.calls.push(`incrementalUnassign ${names(partitions)}`);
  }

  async seek(position: TopicPartitionOffset): Promise<void> {
    this.calls.push(`seek ${places([position])}`);
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.calls.push(`pause ${names(partitions)}`);
    for (const p of this.assigned) if (partitions.some(({ partition }) => partition === p.partition)) p.paused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.calls.push(`resume ${names(partitions)}`);
  }

  async consume(): Promise<ConsumedMessage[]> {
    this.calls.push('consume');
    if (this.consumeError !== undefined) throw this.consumeError;
    return [];
  }

  onAvailable(listener: () => void): void {
    this.listener = listener;
  }

  takeEndOfPartitions(): TopicPartitionOffset[] {
    return [];
  }

  position(): number | undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }

  assignment(): readonly (TopicPartitionOffset & { readonly paused: boolean })[] {
    return this.assigned;
  }
}

let direct: FakeConsumer;
let natives: FakeConsumer[];
let native: FakeConsumer;
let consumer: FallbackFetchConsumer;
let log: string[];

beforeEach(() => {
  direct = new FakeConsumer();
  direct.assigned = [
    { topic: 't', partition: 0, offset: 7, paused: false },
    { topic: 't', partition: 1, offset: -2, paused: true },
  ];
  native = new FakeConsumer();
  natives = [native];
  log = [];
  consumer = new FallbackFetchConsumer(
    direct as unknown as DirectFetchConsumer,
    () => natives.shift() as FakeConsumer,
    ({ message }) => log.push(message),
  );
});

const needed = new NeedsNativeClient('records compressed with zstd');

function gate(): { readonly promise: Promise<void>; open(): void } {
  let open: () => void = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open: () => open() };
}

describe('the fallback fetch consumer', () => {
  it('leaves everything to the direct one as long as that can do it', async () => {
    await consumer.connect(5);
    await consumer.assign([{ topic: 't', partition: 0, offset: 3 }]);
    await consumer.consume(1, 0);
    await consumer.close();
    assert.deepEqual(direct.calls, ['connect 5', 'assign 0@3', 'consume', 'close']);
    assert.deepEqual([native.calls, log], [[], []]);
  });

  it('takes over the assignment, positions and pauses, says why, and stays', async () => {
    let available = 0;
    consumer.onAvailable(() => available++);
    direct.consumeError = needed;
    assert.deepEqual(await consumer.consume(1, 0), []);
    assert.deepEqual(native.calls, ['connect 30000', 'incrementalAssign 0@7,1@-2', 'pause 1']);
    assert.match(log.join(), /compressed with zstd/);
    native.listener?.();
    assert.equal(available, 1);
    await consumer.consume(1, 0);
    await consumer.close();
    assert.deepEqual(native.calls.slice(3), ['consume', 'close']);
    assert.deepEqual(direct.calls, ['consume', 'close']);
  });

  it('begins with the native one where no broker is new enough', async () => {
    direct.connectError = needed;
    direct.assigned = [];
    await consumer.connect(44);
    await consumer.assign([]);
    assert.deepEqual(native.calls, ['connect 44', 'incrementalAssign ', 'pause ', 'assign ']);
  });

  it('keeps what is asked for while it takes over: changes come after it, pauses with it', async () => {
    const { promise, open } = gate();
    native.gate = promise;
    direct.consumeError = needed;
    const consuming = consumer.consume(1, 0);
    const seek = consumer.seek({ topic: 't', partition: 0, offset: 1 });
    const unassign = consumer.incrementalUnassign([{ topic: 't', partition: 1 }]);
    await new Promise((resolve) => setImmediate(resolve));
    consumer.pause([{ topic: 't', partition: 0 }]);
    open();
    await Promise.all([consuming, seek, unassign]);
    assert.deepEqual(native.calls.slice(0, 3), ['connect 30000', 'incrementalAssign 0@7,1@-2', 'pause 0,1']);
    // What was asked before the direct one had found out went to that one: its assignment has it.
    const later = ['seek 0@1', 'incrementalUnassign 1'];
    assert.deepEqual([...direct.calls, ...native.calls].filter((call) => later.includes(call)).sort(), [...later].sort());
    await consumer.seek({ topic: 't', partition: 0, offset: 2 });
    assert.equal(native.calls.at(-1), 'seek 0@2');
  });

  it('applies a change to the native one when it is asked for in the middle', async () => {
    const { promise, open } = gate();
    native.gate = promise;
    direct.consumeError = needed;
    const consuming = consumer.consume(1, 0);
    await new Promise((resolve) => setImmediate(resolve));
    const seek = consumer.seek({ topic: 't', partition: 0, offset: 1 });
    open();
    await Promise.all([consuming, seek]);
    assert.deepEqual(native.calls, ['connect 30000', 'incrementalAssign 0@7,1@-2', 'pause 1', 'seek 0@1']);
  });

  it('fails the consume when the native one does not connect, leaves none behind, and tries again', async () => {
    const { promise, open } = gate();
    native.gate = promise;
    native.connectError = new Error('nobody there');
    natives.push(new FakeConsumer());
    const second = natives[1] as FakeConsumer;
    direct.consumeError = needed;
    const consuming = assert.rejects(consumer.consume(1, 0), /nobody there/);
    await new Promise((resolve) => setImmediate(resolve));
    const seek = consumer.seek({ topic: 't', partition: 0, offset: 1 });
    open();
    await consuming;
    // That is the consume's failure, not the seek's.
    await seek;
    assert.deepEqual(native.calls, ['connect 30000', 'close']);
    assert.deepEqual(direct.calls, ['consume', 'seek 0@1']);
    await consumer.consume(1, 0);
    assert.deepEqual(second.calls, ['connect 30000', 'incrementalAssign 0@7,1@-2', 'pause 1']);
  });

  it('leaves none behind when the native one refuses the assignment', async () => {
    native.assignError = new Error('no such partition');
    direct.consumeError = needed;
    await assert.rejects(consumer.consume(1, 0), /no such partition/);
    assert.equal(native.calls.at(-1), 'close');
  });

  it('closes both when it is closed while it takes over', async () => {
    const { promise, open } = gate();
    native.gate = promise;
    direct.consumeError = needed;
    const consuming = consumer.consume(1, 0);
    await new Promise((resolve) => setImmediate(resolve));
    const closing = consumer.close();
    open();
    assert.deepEqual(await consuming, []);
    await closing;
    assert.ok(native.calls.includes('close') && direct.calls.includes('close'));
  });
});
