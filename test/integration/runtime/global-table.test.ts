import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { StreamsBuilder } from '../../../src/dsl/streams-builder.ts';
import { KafkaStreams } from '../../../src/runtime/kafka-streams.ts';
import { serdes } from '../../../src/serdes/serdes.ts';
import { connectTestKafka, type TestKafka } from '../../support/kafka.ts';
import { Application } from './support/application.ts';

let kafka: TestKafka;
before(async () => {
  kafka = await connectTestKafka();
});
after(() => kafka.close());

test('a global table is loaded before the instance runs, from all partitions, and followed; a restart goes on from where it was', async () => {
  const app = await Application.create(kafka, 'count', { processingGuarantee: 'exactly_once_v2' });
  try {
    const { input, output } = app.topics;
    const names = await kafka.createTopic(`${app.id}-names`, 3);
    const topology = () => {
      const builder = new StreamsBuilder();
      const table = builder.globalTable<string, string>(names, { key: serdes.string, value: serdes.string, store: 'names' });
      builder
        .stream<string, string>(input, { key: serdes.string, value: serdes.string })
        .join(
          table,
          (_key, value) => value,
          (value, name) => `${value}=${name}`,
        )
        .to(output, { key: serdes.string, value: serdes.string });
      return builder.build();
    };
    const ids = Array.from({ length: 30 }, (_, i) => `id-${i}`);
    await kafka.produceAll(
      names,
      ids.map((id) => ({ key: id, value: `name of ${id}` })),
    );
    await kafka.produceAll(
      input,
      ids.map((id) => ({ key: id, value: id })),
    );
    const folder = app.folder();
    const results = async (count: number): Promise<string[]> => {
      for (;;) {
        const messages = await kafka.readAll(output);
        if (messages.length >= count) return messages.map((message) => String(message.value)).sort();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    let streams = new KafkaStreams(topology(), app.config(folder));
    await streams.start();
    assert.deepEqual(await results(30), ids.map((id) => `${id}=name of ${id}`).sort(), 'every record found its row');
    const view = streams.store<string, string>('names');
    assert.equal(view.get('id-7'), 'name of id-7');
    await kafka.produceAll(names, [
      { key: 'id-7', value: 'renamed' },
      { key: 'id-8', value: null },
    ]);
    while (view.get('id-7') !== 'renamed' || view.get('id-8') !== null) await new Promise((resolve) => setTimeout(resolve, 20));
    await streams.close();

    await kafka.produceAll(names, [{ key: 'id-9', value: 'renamed too' }]);
    await kafka.produceAll(input, [
      { key: 'x', value: 'id-7' },
      { key: 'x', value: 'id-8' },
      { key: 'x', value: 'id-9' },
    ]);
    streams = new KafkaStreams(topology(), app.config(folder));
    await streams.start();
    const all = await results(32);
    assert.ok(all.includes('id-7=renamed') && all.includes('id-9=renamed too'));
    assert.equal(all.filter((result) => result.startsWith('id-8=')).length, 1, 'a deleted row does not join');
    await streams.close();
  } finally {
    await app.cleanUp();
  }
});
