import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { KafkaStreams } from 'millrace';
import { buildWorkload } from './workloads.ts';

/*
 * Runs one workload until it is told to stop: the twin of bench/peers/kafka-streams. Every setting is the default, except the ones in the arguments.
 * Its parent sends `reset` when the measurement begins and `report` when it ends.
 */

const { values } = parseArgs({
  options: {
    bootstrap: { type: 'string' },
    workload: { type: 'string' },
    'application-id': { type: 'string' },
    input: { type: 'string' },
    output: { type: 'string' },
    'state-dir': { type: 'string' },
    guarantee: { type: 'string' },
    'commit-interval': { type: 'string' },
  },
});

function required(name: keyof typeof values): string {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is missing`);
  return value;
}

const streams = new KafkaStreams(buildWorkload(required('workload'), required('input'), required('output')), {
  applicationId: required('application-id'),
  bootstrapServers: required('bootstrap'),
  stateDir: required('state-dir'),
  processingGuarantee: required('guarantee') as 'at_least_once' | 'exactly_once_v2',
  commitIntervalMs: Number(required('commit-interval')),
  logger: 'warn',
});

// The shortest resolution that Node.js offers. What it records holds this millisecond too.
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

async function stop(exitCode: number): Promise<void> {
  await streams.close();
  process.exit(exitCode);
}

streams.on('error', (error: Error) => {
  console.error(error);
  process.exit(1);
});
process.on('message', (message) => {
  if (message === 'reset') delay.reset();
  else if (message === 'report') process.send?.({ p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 });
  else if (message === 'stop') void stop(0);
});
process.on('disconnect', () => void stop(0));

await streams.start();
process.send?.('ready');
