import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamsBuilder, serdes, TimeWindows } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

function driverOf(build: (builder: StreamsBuilder) => void): TopologyTestDriver {
  const builder = new StreamsBuilder();
  build(builder);
  return new TopologyTestDriver(builder.build(), { applicationId: 'app', defaultKeySerde: serdes.string, defaultValueSerde: serdes.json<unknown>() });
}

test('a snapshot shows what was produced, in order, decoded by the sinks', () => {
  const driver = driverOf((builder) => {
    const stream = builder.stream<string, { b: number; a: string }>('in');
    stream.to('copies');
    stream
      .groupByKey()
      .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
      .count({ store: 'counts' })
      .toStream()
      .to('counts', { key: serdes.timeWindowed(serdes.string, 10), value: serdes.long });
    stream.to((_key, value) => `dynamic-${value.a}`);
  });
  const input = driver.createInputTopic('in', serdes.string, serdes.json());
  input.pipeInput('k', { b: 1, a: 'x' }, 5, [
    ['h', '1'],
    ['raw', Buffer.from([0, 255])],
  ]);
  input.pipeInput('k', { a: 'y', b: 2 }, 12);
  assert.equal(
    driver.snapshot(),
    [
      "copies  'k'  { a: 'x', b: 1 }  @5  h='1'  raw=0x00ff",
      'dynamic-x  \'k\'  \'{"b":1,"a":"x"}\'  @5  h=\'1\'  raw=0x00ff',
      "counts  'k'[0, 10]  1  @5  h='1'  raw=0x00ff",
      "copies  'k'  { a: 'y', b: 2 }  @12",
      'dynamic-y  \'k\'  \'{"a":"y","b":2}\'  @12',
      "counts  'k'[10, 20]  1  @12",
    ].join('\n'),
  );
  assert.equal(driver.snapshot(), '', 'each record is shown once');
  assert.equal(driver.createOutputTopic('copies', serdes.string, serdes.json()).getQueueSize(), 2, 'outputs are left to be read');
  assert.equal(driver.takeProduced().length, 8);
  input.pipeInput('k', { a: 'z', b: 3 }, 13);
  assert.match(driver.snapshot({ internal: true }), /^app-counts-changelog {2}0x6b[0-9a-f]+ {2}0x0000000000000002 {2}@13$/m);
  driver.close();
});

test('an output topic as text', () => {
  const driver = driverOf((builder) => builder.stream('in').to('out'));
  driver.createInputTopic('in', serdes.string, serdes.json()).pipeKeyValueList([
    ['a', { deep: { list: [1, { x: null }] } }],
    ['b', null],
  ]);
  const output = driver.createOutputTopic('out', serdes.string, serdes.json());
  assert.equal(output.toText(), "'a'  { deep: { list: [ 1, { x: null } ] } }  @0\n'b'  null  @0");
  assert.equal(output.toText(), '');
  driver.close();
});
