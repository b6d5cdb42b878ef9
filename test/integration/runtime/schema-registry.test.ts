import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { KafkaStreams } from '../../../src/runtime/kafka-streams.ts';
import type { AvroSchema } from '../../../src/serdes/avro.ts';
import { serdes } from '../../../src/serdes/serdes.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { type StubRegistry, startSchemaRegistry } from '../../support/schema-registry.ts';
import { Application } from './support/application.ts';

interface View {
  url: string;
}

interface Total {
  views: number;
  last?: string;
}

const viewSchema = { type: 'record', name: 'View', fields: [{ name: 'url', type: 'string' }] };
const totalSchema = { type: 'record', name: 'Total', fields: [{ name: 'views', type: 'int' }] };
const laterTotalSchema = { ...totalSchema, fields: [...totalSchema.fields, { name: 'last', type: 'string', default: '' }] };

let kafka: TestKafka;
let registry: StubRegistry;
before(async () => {
  kafka = await connectTestKafka();
  registry = await startSchemaRegistry();
});
after(async () => {
  await kafka.close();
  await registry.close();
});

const avro = <T>(schema: AvroSchema) => serdes.avroRegistry<T>({ registry: { host: registry.host }, schema });

function totals(input: string, output: string, schema: AvroSchema) {
  const total = avro<Total>(schema);
  const builder = new StreamsBuilder();
  builder
    .stream(input, { key: serdes.string, value: avro<View>(viewSchema) })
    .groupByKey()
    .aggregate(
      { initializer: (): Total => ({ views: 0 }), aggregator: (_user, view, { views }): Total => ({ views: views + 1, last: view.url }) },
      { store: 'totals', value: total },
    )
    .toStream()
    .to(output, { key: serdes.string, value: total });
  return builder.build();
}

test('Avro with a registry: schemas are registered before the first record, and state survives a new version of its schema', async () => {
  const app = await Application.create(kafka, 'count', {}, 1);
  const { input, output } = app.topics;
  const view = avro<View>(viewSchema);
  await view.prepareEncode?.([input]);
  const produce = (key: string, url: string) => kafka.produceAll(input, [{ key, value: view.serialize(input, { url }) }]);
  const reader = serdes.avroRegistry<Total>({ registry: { host: registry.host } });
  const results = async (count: number): Promise<string[]> => {
    for (;;) {
      const messages = await kafka.readAll(output);
      if (messages.length < count) {
        await sleep(50);
        continue;
      }
      const values = messages.map(({ value }) => value as Buffer);
      await reader.prepare?.(values.map((data) => ({ topic: output, data })));
      return messages.map(({ key }, i) => `${key}=${JSON.stringify(reader.deserialize(output, values[i] as Buffer))}`);
    }
  };
  try {
    const folder = app.folder();
    const first = new KafkaStreams(totals(input, output, totalSchema), app.config(folder));
    await first.start();
    await produce('a', '/1');
    assert.deepEqual(await results(1), ['a={"views":1}']);
    await first.close();

    const second = new KafkaStreams(totals(input, output, laterTotalSchema), app.config(folder));
    await second.start();
    await produce('a', '/2');
    assert.deepEqual(await results(2), ['a={"views":1}', 'a={"views":2,"last":"/2"}']);
    await second.close();

    const subjects = new Set(registry.requests.filter((line) => line.startsWith('POST')).map((line) => decodeURIComponent(line.split('/')[2] as string)));
    assert.deepEqual([...subjects].sort(), [`${app.id}-totals-changelog-value`, `${input}-value`, `${output}-value`].sort());
  } finally {
    await app.cleanUp();
  }
});

test('a registry that is not there stops the start with an error that names it', async () => {
  const app = await Application.create(kafka, 'count', {}, 1);
  const { input, output } = app.topics;
  const nowhere = serdes.avroRegistry<Total>({ registry: { host: 'http://127.0.0.1:1', retries: 1, retryBackoff: 1 }, schema: totalSchema });
  const builder = new StreamsBuilder();
  builder.stream<string, Total>(input, { key: serdes.string, value: serdes.json<Total>() }).to(output, { key: serdes.string, value: nowhere });
  const streams = new KafkaStreams(builder.build(), app.config(app.folder()));
  try {
    const failed = new Promise<Error>((resolve) => streams.on('error', resolve));
    await streams.start().catch(() => undefined);
    assert.match((await failed).message, new RegExp(`subject ${output}-value, schema registry http://127.0.0.1:1: not reached after 2 attempts`));
  } finally {
    await streams.close();
    await app.cleanUp();
  }
});
