import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { KafkaStreams, type ReadOnlySessionStore, type ReadOnlyWindowStore, type ValueAndTimestamp } from 'millrace';
import { chaosTopics, STORES, type Tally, type Workload } from './shapes.ts';
import { chaosTopology } from './topology.ts';

/*
 * One instance under chaos. It tells its parent when its state changes; asked for `dump`, it writes what its stores hold.
 */

const { values } = parseArgs({
  options: {
    bootstrap: { type: 'string', default: '' },
    prefix: { type: 'string', default: '' },
    workload: { type: 'string', default: 'all' },
    guarantee: { type: 'string', default: '' },
    protocol: { type: 'string', default: 'classic' },
    'state-dir': { type: 'string', default: '' },
    'session-timeout': { type: 'string', default: '6000' },
    'instance-id': { type: 'string' },
    'log-level': { type: 'string', default: 'info' },
  },
});

const workload = values.workload as Workload;
const guarantee = values.guarantee as 'at_least_once' | 'exactly_once_v2';
const protocol = values.protocol as 'classic' | 'consumer';

const streams = new KafkaStreams(chaosTopology(chaosTopics(values.prefix), workload), {
  applicationId: values.prefix,
  bootstrapServers: values.bootstrap,
  processingGuarantee: guarantee,
  // Under at-least-once the default of 30 seconds would leave little between two kills.
  ...(guarantee === 'at_least_once' ? { commitIntervalMs: 1000 } : {}),
  stateDir: values['state-dir'],
  groupProtocol: protocol,
  ...(protocol === 'classic' ? { sessionTimeoutMs: Number(values['session-timeout']) } : {}),
  ...(values['instance-id'] === undefined ? {} : { groupInstanceId: values['instance-id'] }),
  repartitionPurgeIntervalMs: '5s',
  logger: values['log-level'] as 'info',
});

streams.on('state', (next: string) => process.send?.({ state: next }));
streams.on('error', (error: Error) => {
  console.error(error);
  process.exit(1);
});

process.on('SIGTERM', () => {
  void streams.close().then(() => process.exit(0));
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', (message: { dump: string }) => {
  void dump(message.dump).then((entries) => process.send?.({ dumped: entries }));
});

/** Lines of `store key|start|end count sum` as JSON arrays. */
async function dump(file: string): Promise<number> {
  const lines: string[] = [];
  const line = (store: string, key: string, window: { start: number; end: number }, tally: Tally): void => {
    lines.push(JSON.stringify([store, `${key}|${window.start}|${window.end}`, tally.count, tally.sum]));
  };
  if (workload !== 'windows') {
    const sessions = streams.store(STORES.sessions) as unknown as ReadOnlySessionStore<string, Tally>;
    for (const [{ key, window }, tally] of sessions.fetchKeys(null, null)) line(STORES.sessions, key, window, tally);
  }
  if (workload !== 'sessions') {
    const windows = streams.store(STORES.windows) as unknown as ReadOnlyWindowStore<string, Tally | ValueAndTimestamp<Tally>>;
    for (const [{ key, window }, value] of windows.all()) line(STORES.windows, key, window, 'value' in value ? value.value : value);
  }
  await writeFile(file, lines.map((each) => `${each}\n`).join(''));
  return lines.length;
}

await streams.start();
