import type { StreamsConfig } from '../../../../src/runtime/config.ts';
import { KafkaStreams } from '../../../../src/runtime/kafka-streams.ts';
import type { ChildMessage } from './application.ts';
import { type Topics, topology, type WorkloadName } from './workload.ts';

/** An instance in a process of its own, for tests that kill or freeze it. Ends itself when its parent is gone. */
const { workload, topics, config } = JSON.parse(process.argv[2] as string) as { workload: WorkloadName; topics: Topics; config: StreamsConfig };
const tell = (message: ChildMessage): void => void process.send?.(message);

const streams = new KafkaStreams(topology(workload, topics), config);
streams.on('error', (error) => {
  tell({ failed: error.message });
  process.exitCode = 1;
  process.disconnect();
});
process.once('SIGTERM', () => {
  void streams.close().then(() => process.exit(0));
});
process.once('disconnect', () => process.exit());
setInterval(() => {
  const tasks = Object.values(streams.metrics().tasks);
  tell({ processed: tasks.reduce((sum, task) => sum + (task.processed ?? 0), 0), tasks: tasks.length, state: streams.state });
}, 50).unref();
await streams.start().then(
  () => tell({ running: true }),
  (error: Error) => {
    tell({ failed: error.message });
    process.exit(1);
  },
);
