import { Command } from 'commander';
import { KafkaStreams } from 'millrace';
import { addSharedOptions, duration, type InstanceOptions } from './options.ts';
import { buildTopology, topicNames } from './topology.ts';

/*
 * One instance of the service: the whole of it that a user writes besides the topology. Start as many as there are cores or machines, they share the work.
 */

const options = addSharedOptions(new Command('pageview-sessions service'))
  .requiredOption('--bootstrap <host:port>', 'a Kafka broker')
  .option('--application-id <id>', 'instances with the same id share the work', 'pageview-sessions')
  .option('--topic-prefix <prefix>', 'put before the name of every topic', '')
  .parse()
  .opts<Partial<InstanceOptions> & Pick<InstanceOptions, 'bootstrap' | 'applicationId' | 'topicPrefix' | 'gap' | 'window' | 'grace' | 'logLevel'>>();

const topology = buildTopology({
  topics: topicNames(options.topicPrefix),
  gap: options.gap,
  window: options.window,
  grace: options.grace,
  drift: options.drift ?? duration('1d'),
});

const guarantee = options.guarantee ?? 'exactly_once_v2';
const streams = new KafkaStreams(topology, {
  applicationId: options.applicationId,
  bootstrapServers: options.bootstrap,
  processingGuarantee: guarantee,
  // Somebody watches: under at-least-once the default would be to commit every 30 seconds.
  ...(guarantee === 'at_least_once' ? { commitIntervalMs: 500 } : {}),
  // A killed instance's work is taken over after this time.
  sessionTimeoutMs: '10s',
  ...(options.stateDir === undefined ? {} : { stateDir: options.stateDir }),
  logger: options.logLevel,
});

let stopping = false;
async function stop(exitCode: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  await streams.close();
  process.exit(exitCode);
}

streams.on('error', (error: Error) => {
  console.error(error);
  void stop(1);
});
process.on('SIGTERM', () => void stop(0));
process.on('SIGINT', () => void stop(0));
// Started by the demo, and the demo is gone.
process.on('disconnect', () => void stop(0));

await streams.start();
