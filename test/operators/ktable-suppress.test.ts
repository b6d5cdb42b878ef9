import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Change } from '../../src/operators/change.ts';
import { type KTableSuppressOptions, ktableSuppress } from '../../src/operators/index.ts';
import { storedValue } from '../../src/operators/table-store.ts';
import type { RecordContext } from '../../src/processor/record-context.ts';
import type { ChangeLike, EvictionCallback } from '../../src/state/contract/special-stores.ts';
import type { ValueAndTimestamp } from '../../src/state/contract/values.ts';
import { FakeContext, FakeKeyValueStore, parentTable, run } from './fakes.ts';

interface Buffered {
  readonly id: string;
  readonly key: unknown;
  readonly time: number;
  readonly change: ChangeLike<string>;
  readonly prior: string | null;
  readonly context: RecordContext;
}

/** Counts a record as 10 bytes. */
class FakeChangeBuffer {
  #entries: Buffered[] = [];

  get numRecords(): number {
    return this.#entries.length;
  }

  get bufferSize(): number {
    return this.#entries.length * 10;
  }

  get minTimestamp(): number {
    return this.#entries[0]?.time ?? Number.MAX_SAFE_INTEGER;
  }

  put(time: number, key: unknown, change: ChangeLike<string>, context: RecordContext): void {
    const id = JSON.stringify(key);
    const before = this.#entries.find((e) => e.id === id);
    this.#entries = this.#entries.filter((e) => e !== before);
    this.#entries.push({ id, key, change, context, time: before?.time ?? time, prior: before === undefined ? change.oldValue : before.prior });
    this.#entries.sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
  }

  evictWhile(predicate: () => boolean, callback: EvictionCallback<unknown, ChangeLike<string>>): void {
    while (this.#entries[0] !== undefined && predicate()) {
      const [first] = this.#entries;
      callback(first.key, first.change, first.context);
      this.#entries.shift();
    }
  }

  priorValue(key: unknown): ValueAndTimestamp<string> | null | undefined {
    const entry = this.#entries.find((e) => e.id === JSON.stringify(key));
    return entry === undefined ? undefined : entry.prior === null ? null : { value: entry.prior, timestamp: -1 };
  }
}

function setUp(options: Partial<KTableSuppressOptions<unknown, string>>) {
  const parent = parentTable('p');
  const rows = new FakeKeyValueStore<string>();
  const context = new FakeContext().with('b', new FakeChangeBuffer()).with('p', rows);
  const table = ktableSuppress<unknown, string>({
    parent,
    storeName: 'b',
    waitMs: 0,
    windowEndTime: false,
    safeToDropTombstones: false,
    recordLimit: Number.POSITIVE_INFINITY,
    byteLimit: Number.POSITIVE_INFINITY,
    whenFull: 'emit',
    ...options,
  });
  return { parent, rows, context, table, process: run(table.get(), context) };
}

const window = (key: string, start: number, end: number) => ({ key, window: { start, end } });

test('until a time limit: the latest value leaves, counted from the first update, with its own time and headers', () => {
  const { context, process, parent } = setUp({ waitMs: 10 });
  assert.deepEqual(parent.asked, [true]);
  const headers = [['h', null]] as const;
  const contexts: number[] = [];
  const forward = context.forward.bind(context);
  context.forward = (record) => {
    assert.deepEqual(record.headers, headers);
    contexts.push(context.recordContext.timestamp);
    forward(record);
  };
  assert.deepEqual(process('a', new Change('1', null), 0), []);
  assert.deepEqual(process('a', new Change('2', '1'), 9, headers), []);
  assert.deepEqual(process('b', new Change('x', null), 10), ['a=2<-1@9']);
  assert.deepEqual(contexts, [9]);
  assert.equal(context.recordContext.timestamp, 10, 'and the context is put back');
});

test('until windows close: at end + grace, by window end, tombstones dropped', () => {
  const { process } = setUp({ waitMs: 5, windowEndTime: true, safeToDropTombstones: true });
  process(window('b', 10, 20), new Change('later', null), 12);
  process(window('a', 0, 10), new Change('1', null), 3);
  process(window('c', 0, 10), new Change<string>(null, '1'), 3);
  assert.deepEqual(process(window('z', 10, 20), new Change('z', null), 14), []);
  assert.deepEqual(process(window('z', 10, 20), new Change('z', null), 15), ['[a:0/10]=1<-null@3']);
  assert.deepEqual(process(window('y', 30, 40), new Change('y', null), 30), ['[b:10/20]=later<-null@12', '[z:10/20]=z<-null@15']);
});

test('tombstones are sent where something may have been sent before', () => {
  assert.deepEqual(setUp({}).process('a', new Change<string>(null, 'x'), 5), ['a=null<-x@5']);
});

test('a full buffer sends its oldest early', () => {
  const { process } = setUp({ waitMs: 1000, recordLimit: 2 });
  process('a', new Change('1', null), 5);
  process('b', new Change('2', null), 3);
  assert.deepEqual(process('c', new Change('3', null), 9), ['b=2<-null@3']);
  const bytes = setUp({ waitMs: 1000, byteLimit: 10 }).process;
  bytes('a', new Change('1', null), 5);
  assert.deepEqual(bytes('b', new Change('2', null), 6), ['a=1<-null@5']);
});

test('or fails, and says how full it is', () => {
  const { process } = setUp({ waitMs: 1000, recordLimit: 1, whenFull: 'shut-down' });
  process('a', new Change('1', null), 5);
  assert.throws(() => process('b', new Change('2', null), 5), /2 of 1 records, 20 of Infinity bytes.*operator NODE, store b/);
});

test('its view shows a buffered key as it was before', () => {
  const { rows, context, table, process } = setUp({ waitMs: 1000 });
  rows.put('a', storedValue('new', 5));
  rows.put('b', storedValue('unbuffered', 6));
  process('a', new Change('new', 'old'), 5);
  process('c', new Change('first', null), 5);
  const view = table.view();
  const getter = view.get();
  getter.init(context);
  assert.deepEqual([getter.get('a')?.value, getter.get('b')?.value, getter.get('c'), view.storeNames], ['old', 'unbuffered', null, ['b', 'p']]);
});
