import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KGroupedStream, ProcessingError, SessionWindows, SlidingWindows, StreamsBuilder, serdes, TimeWindows } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

interface Total {
  total: number;
  names: string[];
}

const WITH = { key: serdes.string, value: serdes.json<Total>() };
const one = { total: 1, names: ['x'] };
const initializer = (): Total => ({ total: 0, names: [] });
const mutating = (_key: string, _value: unknown, aggregate: Total): Total => {
  aggregate.names.push('y');
  return aggregate;
};
const proper = (_key: string, _value: unknown, aggregate: Total): Total => ({ total: aggregate.total + 1, names: [...aggregate.names, 'y'] });

type Grouped = KGroupedStream<string, Total>;

function run(build: (grouped: Grouped) => void, options = {}): void {
  const builder = new StreamsBuilder();
  build(builder.stream<string, Total>('in', WITH).groupByKey());
  const driver = new TopologyTestDriver(builder.build(), {}, options);
  try {
    const input = driver.createInputTopic('in', WITH.key, WITH.value);
    for (const time of [0, 1, 2]) input.pipeInput('k', one, time);
  } finally {
    driver.close();
  }
}

const OPERATORS: { readonly [name: string]: (grouped: Grouped, aggregator: typeof proper) => void } = {
  aggregate: (grouped, aggregator) => void grouped.aggregate({ initializer, aggregator }, WITH),
  'aggregate in time windows': (grouped, aggregator) => void grouped.windowedBy(TimeWindows.ofSizeWithNoGrace(10)).aggregate({ initializer, aggregator }, WITH),
  'aggregate in sliding windows': (grouped, aggregator) =>
    void grouped.windowedBy(SlidingWindows.ofTimeDifferenceWithNoGrace(10)).aggregate({ initializer, aggregator }, WITH),
  'aggregate in sessions': (grouped, aggregator) =>
    void grouped.windowedBy(SessionWindows.ofInactivityGapWithNoGrace(10)).aggregate({ initializer, aggregator, merger: (_key, _left, right) => right }, WITH),
  'merger of sessions': (grouped, aggregator) =>
    void grouped
      .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(10))
      .aggregate({ initializer, aggregator: proper, merger: (key, left, right) => aggregator(key, right, left) }, WITH),
  reduce: (grouped, aggregator) => void grouped.reduce((left, right) => aggregator('', right, left), WITH),
  'reduce in time windows': (grouped, aggregator) =>
    void grouped.windowedBy(TimeWindows.ofSizeWithNoGrace(10)).reduce((left, right) => aggregator('', right, left), WITH),
  'adder of a table': (grouped, aggregator) =>
    void grouped
      .reduce((_left, right) => right, WITH)
      .groupBy((key, value) => [key, value], WITH)
      .aggregate({ initializer, adder: aggregator, subtractor: proper }, WITH),
  'subtractor of a table': (grouped, aggregator) =>
    void grouped
      .reduce((_left, right) => right, WITH)
      .groupBy((key, value) => [key, value], WITH)
      .aggregate({ initializer, adder: proper, subtractor: aggregator }, WITH),
};

for (const [name, build] of Object.entries(OPERATORS)) {
  test(`${name}: the driver refuses an aggregate that is changed in place`, () => {
    assert.throws(
      () => run((grouped) => build(grouped, mutating)),
      (error) => {
        assert.ok(error instanceof ProcessingError);
        assert.match(error.message, /changed its aggregate in place \(.*not extensible\): it must return a new object.*operator/s);
        assert.match((error.cause as Error & { cause: Error }).cause.stack ?? '', /mutating/);
        return true;
      },
    );
    assert.doesNotThrow(() => run((grouped) => build(grouped, proper)));
    assert.doesNotThrow(() => run((grouped) => build(grouped, mutating), { freezeAggregates: false }));
  });
}

test("other errors are the function's own", () => {
  const fails = (): never => {
    throw new TypeError('x is undefined');
  };
  assert.throws(() => run((grouped) => void grouped.aggregate({ initializer, aggregator: fails }, WITH)), /threw TypeError: x is undefined/);
});
