import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { type AsyncOptions, AsyncTimeoutError, type KStream, ProcessingError, StreamsBuilder, type StreamsConfig, serdes } from '../../src/index.ts';
import { TopologyTestDriver } from '../../src/testing/index.ts';
import type { Topology } from '../../src/topology/topology.ts';

const CONFIG = { defaultKeySerde: serdes.string, defaultValueSerde: serdes.string };

function build(
  define: (stream: KStream<string, string>, builder: StreamsBuilder) => void,
  config: ConstructorParameters<typeof StreamsBuilder>[0] = {},
): Topology {
  const builder = new StreamsBuilder(config);
  define(builder.stream<string, string>('in'), builder);
  return builder.build();
}

function drive(topology: Topology, config: Partial<StreamsConfig> = {}) {
  const driver = new TopologyTestDriver(topology, { ...CONFIG, ...config });
  return { driver, input: driver.createInputTopic('in', serdes.string, serdes.string), output: driver.createOutputTopic('out', serdes.string, serdes.string) };
}

/** Takes a while that depends on the value, so that answers come in another order than they were asked for. */
async function slowly<T>(text: string, answer: T): Promise<T> {
  await sleep((text.charCodeAt(text.length - 1) * 7) % 5);
  return answer;
}

describe('asynchronous operators in the driver', () => {
  it('each gives what its synchronous twin gives', async () => {
    const { driver, input } = drive(
      build((stream) => {
        stream.mapAsync(async (key, value) => [`${key}!`, value.toUpperCase()]).to('map');
        stream.mapValuesAsync(async (value, key) => key + value).to('mapValues');
        stream.flatMapAsync(async (key, value) => Array.from(value, (letter) => [letter, key] as const)).to('flatMap');
        stream.filterAsync(async (_key, value) => value.startsWith('x')).to('filter');
      }),
    );
    await input.pipeInputAsync('a', 'xy', 5);
    await input.pipeInputAsync('b', 'z', 6);
    const read = (topic: string) => driver.createOutputTopic(topic, serdes.string, serdes.string).readRecordsToList();
    const shown = (topic: string) => read(topic).map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`);
    assert.deepEqual(shown('map'), ['a!=XY@5', 'b!=Z@6']);
    assert.deepEqual(shown('mapValues'), ['a=axy@5', 'b=bz@6']);
    assert.deepEqual(shown('flatMap'), ['x=a@5', 'y=a@5', 'z=b@6']);
    assert.deepEqual(shown('filter'), ['a=xy@5']);
    driver.close();
  });

  it('forEachAsync ends the stream, and drain waits for it', async () => {
    const done: string[] = [];
    const { driver, input } = drive(build((stream) => stream.forEachAsync(async (key, value) => slowly(value, done.push(`${key}=${value}`)))));
    await input.pipeInputAsync('a', 'x');
    assert.deepEqual(done, ['a=x']);
    assert.deepEqual([...driver.producedTopicNames()], []);
    driver.close();
  });

  it('headers and timestamps are those of the record', async () => {
    const { driver, input, output } = drive(build((stream) => stream.mapValuesAsync((value) => slowly(value, value)).to('out')));
    input.pipeInput('a', '1', 10, [['h', Buffer.from('one')]]);
    input.pipeInput('b', '2', 5, [['h', Buffer.from('two')]]);
    await driver.drain();
    output.expectRecords([
      { key: 'a', timestamp: 10, headers: [['h', Buffer.from('one')]] },
      { key: 'b', timestamp: 5, headers: [['h', Buffer.from('two')]] },
    ]);
    driver.close();
  });

  it('results go on in the order of their records, whichever call was faster', async () => {
    const { driver, input, output } = drive(
      build((stream) => stream.mapValuesAsync((value) => sleep(value === 'slow' ? 20 : 0, value), { order: 'none' }).to('out')),
    );
    input.pipeInput('a', 'slow');
    input.pipeInput('b', 'fast');
    output.expectEmpty();
    await driver.drain();
    output.expectKeyValues([
      ['a', 'slow'],
      ['b', 'fast'],
    ]);
    driver.close();
  });

  it('never more calls than concurrency, never two of a key', async () => {
    const running: string[] = [];
    let most = 0;
    const { driver, input } = drive(
      build((stream) =>
        stream.forEachAsync(
          async (key, value) => {
            assert.ok(!running.includes(key));
            running.push(key);
            most = Math.max(most, running.length);
            await slowly(value, null);
            running.splice(running.indexOf(key), 1);
          },
          { concurrency: 3 },
        ),
      ),
    );
    for (let i = 0; i < 40; i++) input.pipeInput(`k${i % 7}`, String(i));
    await driver.drain();
    assert.equal(most, 3);
    assert.equal(driver.metrics().processedRecords, 40);
    driver.close();
  });

  it('one record may give an operator more than it has room for', async () => {
    const { driver, input, output } = drive(
      build((stream) =>
        stream
          .flatMapValues((value) => value.split(','))
          .mapValuesAsync((value) => slowly(value, `${value}!`), { concurrency: 2 })
          .to('out'),
      ),
    );
    await input.pipeInputAsync('a', 'u,v,w,x,y,z');
    output.expectValues(['u!', 'v!', 'w!', 'x!', 'y!', 'z!']);
    driver.close();
  });

  it('pauses before retries take no time', async () => {
    let calls = 0;
    const { driver, input, output } = drive(
      build((stream) =>
        stream
          .mapValuesAsync(
            async (_value, _key, { attempt }) => {
              calls++;
              if (attempt < 4) throw new Error('busy');
              return String(attempt);
            },
            { retries: 3, backoff: { initial: '1m', max: '1m' }, timeout: '1s' },
          )
          .to('out'),
      ),
      { maxPollIntervalMs: '5m' },
    );
    await input.pipeInputAsync('a', 'x');
    output.expectValues(['4']);
    assert.equal(calls, 4);
    driver.close();
  });

  it('a failed call rejects drain with its place; the cause keeps its own stack', async () => {
    const { driver, input } = drive(
      build((stream) =>
        stream.forEachAsync(
          async function lookUp(_key, value) {
            await sleep(1);
            if (value === 'bad') throw new RangeError('no such thing');
          },
          { name: 'look-up' },
        ),
      ),
    );
    await input.pipeInputAsync('a', 'good');
    await assert.rejects(input.pipeInputAsync('a', 'bad'), (error) => {
      assert.ok(error instanceof ProcessingError);
      assert.deepEqual([error.operator, error.topic, error.partition, error.offset], ['look-up', 'in', 0, 1]);
      assert.ok(error.cause instanceof RangeError);
      assert.match(error.cause.stack as string, /lookUp/);
      return true;
    });
    driver.close();
  });

  it('a timeout is an error of the operator, which the handler may skip', async () => {
    const seen: unknown[] = [];
    const { driver, input, output } = drive(
      build((stream) =>
        stream.mapValuesAsync((value) => (value === 'never' ? new Promise<string>(() => {}) : slowly(value, value)), { timeout: 20 }).to('out'),
      ),
      {
        processingExceptionHandler: (context, _record, error) => {
          seen.push([context.offset, error instanceof AsyncTimeoutError]);
          return 'continue';
        },
      },
    );
    input.pipeInput('a', 'never');
    input.pipeInput('a', 'next');
    await driver.drain();
    output.expectValues(['next']);
    assert.deepEqual(seen, [[0, true]]);
    assert.equal(driver.metrics().droppedRecords, 1);
    driver.close();
  });

  it('mapAsync must resolve to a pair, flatMapAsync to an iterable', async () => {
    for (const verb of ['mapAsync', 'flatMapAsync'] as const) {
      const { driver, input } = drive(build((stream) => stream[verb]((async () => undefined) as never).to('out')));
      await assert.rejects(input.pipeInputAsync('a', 'x'), new RegExp(`${verb} returned nothing`));
      driver.close();
    }
  });

  it('closing the driver cancels what is under way', async () => {
    let signal: AbortSignal | undefined;
    const never = (given: AbortSignal): Promise<void> => {
      signal = given;
      return new Promise(() => {});
    };
    const { driver, input } = drive(build((stream) => stream.forEachAsync((_key, _value, call) => never(call.signal))));
    input.pipeInput('a', 'x');
    const draining = driver.drain();
    driver.close();
    await draining;
    assert.equal(signal?.aborted, true);
  });

  it('two drains at once both wait for everything', async () => {
    const { driver, input, output } = drive(build((stream) => stream.mapValuesAsync((value) => slowly(value, value)).to('out')));
    await Promise.all([input.pipeInputAsync('a', '1'), input.pipeInputAsync('b', '2')]);
    output.expectValues(['1', '2']);
    driver.close();
  });

  it('cached tables above an asynchronous operator show each of their updates', async () => {
    const { driver, input, output } = drive(
      build((stream) =>
        stream
          .groupByKey()
          .reduce((aggregate, value) => aggregate + value)
          .toStream()
          .mapValuesAsync((value) => slowly(String(value), `${value}!`))
          .to('out'),
      ),
    );
    for (const value of ['1', '2', '3']) input.pipeInput('a', value);
    await driver.drain();
    output.expectValues(['1!', '12!', '123!']);
    driver.close();
  });
});

describe('asynchronous operators in the topology', () => {
  it('have generated names of their own, or the one given', () => {
    const described = String(
      build((stream) => {
        stream.mapAsync(async (key, value) => [key, value]);
        stream.mapValuesAsync(async (value) => value);
        stream.flatMapAsync(async () => []);
        stream.filterAsync(async () => true);
        stream.forEachAsync(async () => {});
        stream.forEachAsync(async () => {}, { name: 'send' });
      }).describe(),
    );
    const names = [...described.matchAll(/Processor: (\S+)/g)].map(([, name]) => name);
    assert.deepEqual(names.sort(), [
      'KSTREAM-FILTERASYNC-0000000004',
      'KSTREAM-FLATMAPASYNC-0000000003',
      'KSTREAM-FOREACHASYNC-0000000005',
      'KSTREAM-MAPASYNC-0000000001',
      'KSTREAM-MAPVALUESASYNC-0000000002',
      'send',
    ]);
  });

  it('repartition after those that may change the key, and only those', () => {
    const repartitions = (define: (stream: KStream<string, string>) => KStream<string, string>): boolean =>
      String(build((stream) => void define(stream).groupByKey().count()).describe()).includes('-repartition');
    assert.equal(
      repartitions((stream) => stream.mapAsync(async (key, value) => [key, value])),
      true,
    );
    assert.equal(
      repartitions((stream) => stream.flatMapAsync(async () => [])),
      true,
    );
    assert.equal(
      repartitions((stream) => stream.mapValuesAsync(async (value) => value)),
      false,
    );
    assert.equal(
      repartitions((stream) => stream.filterAsync(async () => true)),
      false,
    );
  });

  it('one repartition topic behind a key change, where they are merged', () => {
    const described = String(
      build(
        (stream) => {
          const mapped = stream.mapAsync(async (key, value) => [value, key]);
          mapped.groupByKey().count();
          mapped
            .filterAsync(async () => true)
            .groupByKey()
            .count();
        },
        { topologyOptimization: 'all' },
      ).describe(),
    );
    assert.equal(new Set(described.match(/[\w-]+-repartition/g)).size, 1);
  });

  it('wrong options are refused where they are given', () => {
    assert.throws(() => build((stream) => stream.forEachAsync(async () => {}, { concurrency: 0 })), { code: 'ERR_CONFIG' });
  });
});

describe('results do not depend on concurrency', () => {
  const records = fc.array(
    fc.tuple(fc.option(fc.constantFrom('a', 'b', 'c'), { freq: 8 }), fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('p', 'q', 'r', 's') })),
    { maxLength: 25 },
  );
  const options: fc.Arbitrary<AsyncOptions> = fc.record({ concurrency: fc.integer({ min: 1, max: 6 }), retries: fc.constantFrom(0, 2) });

  /** A chain of all operators, and an aggregate behind them. */
  function topology(asynchronous: AsyncOptions | undefined): Topology {
    const how = { ...asynchronous, timeout: '10s', backoff: { initial: 0 } } as const;
    const call = async <T>(value: string, attempt: number, answer: T): Promise<T> => {
      await slowly(value, null);
      if (how.retries && attempt === 1 && value.startsWith('q')) throw new Error('busy');
      return answer;
    };
    return build((stream) => {
      const keep = (value: string): boolean => !value.endsWith('s');
      const split = (key: string, value: string) => Array.from(value, (letter, i) => [key, `${letter}${i}`] as const);
      const result =
        asynchronous === undefined
          ? stream
              .filter((_key, value) => keep(value))
              .flatMap(split)
              .mapValues((value) => `${value}+`)
              .map((key, value) => [`${key}${value.charCodeAt(0) % 2}`, value])
          : stream
              .filterAsync((_key, value, { attempt }) => call(value, attempt, keep(value)), how)
              .flatMapAsync((key, value, { attempt }) => call(value, attempt, split(key, value)), how)
              .mapValuesAsync((value, _key, { attempt }) => call(value, attempt, `${value}+`), how)
              .mapAsync((key, value, { attempt }) => call(value, attempt, [`${key}${value.charCodeAt(0) % 2}`, value]), how);
      result.to('out');
      result
        .groupByKey()
        .reduce((aggregate, value) => aggregate + value)
        .toStream()
        .to('reduced');
    });
  }

  const byKey = (list: [string | null, string | null][]): Map<string, string[]> => {
    const map = new Map<string, string[]>();
    for (const [key, value] of list) map.set(String(key), [...(map.get(String(key)) ?? []), String(value)]);
    return map;
  };

  it("order 'key': every key's results equal those of the synchronous twins", async () => {
    await fc.assert(
      fc.asyncProperty(records, options, fc.boolean(), async (input, how, oneByOne) => {
        const run = async (topology: Topology) => {
          const { driver, input: topic } = drive(topology);
          for (const [i, [key, value]] of input.entries()) {
            if (oneByOne) await topic.pipeInputAsync(key, value, i);
            else topic.pipeInput(key, value, i);
          }
          await driver.drain();
          const read = (name: string) => driver.createOutputTopic(name, serdes.string, serdes.string).readRecordsToList();
          const result = ['out', 'reduced'].map((name) => byKey(read(name).map(({ key, value, timestamp }) => [key, `${value}@${timestamp}`])));
          driver.close();
          return result;
        };
        assert.deepEqual(await run(topology(how)), await run(topology(undefined)));
      }),
      { numRuns: 40 },
    );
  });

  it("in the driver, the order over all keys is the same each time, order 'none' included", async () => {
    await fc.assert(
      fc.asyncProperty(records, options, async (input, how) => {
        const run = async () => {
          const {
            driver,
            input: topic,
            output,
          } = drive(build((stream) => stream.mapValuesAsync((value) => sleep(Math.random() * 3, value), { ...how, order: 'none' }).to('out')));
          for (const [key, value] of input) topic.pipeInput(key, value);
          await driver.drain();
          const list = output.readKeyValuesToList();
          driver.close();
          return list;
        };
        assert.deepEqual(await run(), input);
      }),
      { numRuns: 25 },
    );
  });
});
