import type {
  HeadersKeyValueStore,
  KeyValueStore,
  SessionStore,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  VersionedKeyValueStore,
  WindowStore,
} from '../../state/contract/stores.ts';
import type { TopologyTestDriver } from '../topology-test-driver.ts';
import type { GoldenCase, GoldenStoreEntry } from './golden-case.ts';

/** Entry fields that are compared. `keyHex` says the same as `key`. */
type Entry = Partial<Omit<GoldenStoreEntry, 'keyHex'>>;

/** A store's contents as they are and as they should be, in the same form and order. */
export interface StoreContents {
  readonly actual: readonly Entry[];
  readonly expected: readonly Entry[];
}

/** Read a store. Undefined for kinds that cases do not show. */
export function storeContents(golden: GoldenCase, driver: TopologyTestDriver, name: string): StoreContents | undefined {
  const entries = golden.stores?.[name] ?? [];
  const expected = entries.map(({ keyHex: _, ...entry }): Entry => entry);
  switch (driver.builderOf(name)?.kind) {
    case 'key-value':
      return { expected, actual: Array.from(driver.getStateStore<KeyValueStore<string, string>>(name).all(), ([key, value]) => ({ key, value })) };
    case 'timestamped-key-value':
      return {
        expected,
        actual: Array.from(driver.getStateStore<TimestampedKeyValueStore<string, string>>(name).all(), ([key, { value, timestamp }]) => ({
          key,
          value,
          ts: timestamp,
        })),
      };
    case 'headers-key-value':
      return { expected, actual: headersEntries(driver.getStateStore(name)) };
    case 'versioned':
      return versionedContents(driver, name, entries, observedTime(golden, name));
    case 'window':
    case 'join-window':
      // Java keeps the time (the window's start) and the headers beside the value; both are in the changelog, which is compared.
      return {
        expected: expected.map(({ ts: _ts, headers: _headers, ...entry }) => entry),
        actual: Array.from(driver.getStateStore<WindowStore<string, string>>(name).all(), ([{ key, window }, value]) => ({ key, value, start: window.start })),
      };
    case 'timestamped-window':
      return {
        expected,
        actual: Array.from(driver.getStateStore<TimestampedWindowStore<string, string>>(name).all(), ([{ key, window }, { value, timestamp }]) => ({
          key,
          value,
          ts: timestamp,
          start: window.start,
        })),
      };
    case 'session':
      return sessionContents(golden, driver, name, entries);
    default:
      return undefined;
  }
}

function headersEntries(store: HeadersKeyValueStore<string, string>): Entry[] {
  return Array.from(store.all(), ([key, { value, timestamp, headers }]) => ({
    key,
    value,
    ts: timestamp,
    ...(headers.length === 0 ? {} : { headers: headers.map(([header, data]) => [header, data?.toString('hex') ?? null] as const) }),
  }));
}

/** Cases list sessions key by key. */
function sessionContents(golden: GoldenCase, driver: TopologyTestDriver, name: string, entries: readonly GoldenStoreEntry[]): StoreContents {
  const store = driver.getStateStore<SessionStore<string, string>>(name);
  const all = Array.from(store.fetchKeys(null, null), ([{ key, window }, value]): Entry => ({ key, value, start: window.start, end: window.end }));
  const compare = (a: Entry, b: Entry): number => Buffer.compare(Buffer.from(String(a.key)), Buffer.from(String(b.key)));
  // Java's record cache still shows what the store below it hides as past its retention.
  const cached = Number(golden.config['statestore.cache.max.bytes'] ?? 0) > 0;
  const live = Math.max(...entries.map(({ end }) => end as number)) - (driver.builderOf(name)?.retentionPeriod ?? 0);
  const expected = entries.filter(({ end }) => !cached || (end as number) > live).map(({ keyHex: _, ...entry }): Entry => entry);
  return { expected, actual: all.sort(compare) };
}

/**
 * A versioned store has no iteration: each expected version is read as of its last moment, and each key's latest. Java's list also has versions that
 * are past the history, where no read of either side finds them any more: they are left out.
 */
function versionedContents(driver: TopologyTestDriver, name: string, entries: readonly GoldenStoreEntry[], observed: number): StoreContents {
  const store = driver.getStateStore<VersionedKeyValueStore<string, string>>(name);
  const oldest = observed - (driver.builderOf(name)?.retentionPeriod ?? 0);
  const readable = entries.filter(({ validTo }) => validTo === undefined || validTo - 1 >= oldest);
  const actual: Entry[] = [];
  readable.forEach(({ key, validTo }, i) => {
    const version = validTo === undefined ? store.get(key as string) : store.getAsOf(key as string, validTo - 1);
    if (version !== null)
      actual.push({ key, value: version.value, ts: version.timestamp, ...(version.validTo === undefined ? {} : { validTo: version.validTo }) });
    const deleted = validTo !== undefined && readable[i + 1]?.key !== key;
    const latest = deleted ? store.get(key as string) : null;
    if (latest !== null) actual.push({ key, value: latest.value, ts: latest.timestamp });
  });
  return { expected: readable.map(({ keyHex: _, ...entry }) => entry), actual };
}

/** The highest time that was put into a store: its changelog has every put. */
function observedTime(golden: GoldenCase, name: string): number {
  let time = -1;
  for (const { ts } of golden.stores?.[name] ?? []) time = Math.max(time, ts ?? -1);
  for (const records of golden.expected) for (const { topic, ts } of records) if (topic === `golden-${name}-changelog`) time = Math.max(time, ts ?? -1);
  return time;
}
