import type * as RdKafka from '@confluentinc/kafka-javascript';
import kafka from '@confluentinc/kafka-javascript';

/*
 * The Kafka client alone, with its own defaults: reads a topic's committed records from beginning to end in batches of 2000, as the library restores, and does nothing with
 * them. Its argument is JSON; it sends how long that took, from the connect on.
 */

const { bootstrap, topic, partitions } = JSON.parse(process.argv[2] ?? '{}') as { bootstrap: string; topic: string; partitions: number };
const BATCH = 2000;

const consumer = new kafka.KafkaConsumer(
  {
    'bootstrap.servers': bootstrap,
    'group.id': 'bench-client-alone',
    'enable.auto.commit': false,
    'enable.partition.eof': true,
    'isolation.level': 'read_committed',
    'fetch.queue.backoff.ms': 20,
  },
  { 'auto.offset.reset': 'earliest' },
);
consumer.setDefaultConsumeTimeout(10);
let records = 0;
let ended = 0;
consumer.on('partition.eof', () => {
  ended += 1;
});

const began = performance.now();
const cpu = process.cpuUsage();
await new Promise<void>((resolve, reject) => {
  consumer.connect({}, (error: RdKafka.LibrdKafkaError | null) => (error ? reject(error) : resolve()));
});
consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })));
while (ended < partitions) {
  const messages = await new Promise<RdKafka.Message[]>((resolve, reject) => {
    consumer.consume(BATCH, (error, batch) => (error ? reject(error) : resolve(batch)));
  });
  records += messages.length;
}
const seconds = (performance.now() - began) / 1000;
const used = process.cpuUsage(cpu);
process.send?.({ records, seconds, cpuSeconds: (used.user + used.system) / 1e6 });
await new Promise<void>((resolve) => {
  consumer.disconnect(() => resolve());
});
process.disconnect?.();
