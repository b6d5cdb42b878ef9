import type {
  HeadersKeyValueStore,
  KeyValueStore,
  SessionStore,
  TimestampedKeyValueStore,
  VersionedKeyValueStore,
  WindowStore,
} from '../../state/contract/stores.ts';
import type { ValueAndTimestamp } from '../../state/contract/values.ts';
import type { TopologyTestDriver } from '../topology-test-driver.ts';
import type { GoldenStoreEntry } from './golden-case.ts';

/** Entry fields that are compared. `keyHex` says the same as `key`. */
type Entry = Partial<Omit<GoldenStoreEntry, 'keyHex'>>;

/** Everything in a store, in its own order, with the fields that the expected entries have. Undefined for stores whose kind the case does not show. */
export function storeEntries(driver: TopologyTestDriver, name: string, expected: readonly GoldenStoreEntry[]): Entry[] | undefined {
  switch (driver.kindOf(name)) {
    case 'key-value':
      return [...driver.getStateStore<KeyValueStore<string, string>>(name).all()].map(([key, value]) => ({ key, value }));
    case 'timestamped-key-value':
      return [...driver.getStateStore<TimestampedKeyValueStore<string, string>>(name).all()].map(([key, { value, timestamp }]) => ({
        key,
        value,
        ts: timestamp,
      }));
    case 'headers-key-value':
      return [...driver.getStateStore<HeadersKeyValueStore<string, string>>(name).all()].map(([key, { value, timestamp, headers }]) => ({
        key,
        value,
        ts: timestamp,
        ...(headers.length === 0 ? {} : { headers: headers.map(([header, data]) => [header, data?.toString('hex') ?? null] as const) }),
      }));
    case 'versioned':
      return versionedEntries(driver.getStateStore(name), expected);
    case 'window':
    case 'join-window':
      return [...driver.getStateStore<WindowStore<string, string>>(name).all()].map(([{ key, window }, value]) => ({ key, value, start: window.start }));
    case 'timestamped-window':
      return [...driver.getStateStore<WindowStore<string, ValueAndTimestamp<string>>>(name).all()].map(([{ key, window }, { value, timestamp }]) => ({
        key,
        value,
        ts: timestamp,
        start: window.start,
      }));
    case 'session':
      // Every session ends within this range, so these are all there are.
      return [...driver.getStateStore<SessionStore<string, string>>(name).fetchKeys(null, null)].map(([{ key, window }, value]) => ({
        key,
        value,
        start: window.start,
        end: window.end,
      }));
    default:
      return undefined;
  }
}

/** What is expected of an entry, as far as the store's kind holds it: a join's store keeps values alone, their time being the window's start. */
export function comparableEntry(driver: TopologyTestDriver, store: string, { keyHex: _, ...entry }: GoldenStoreEntry): Entry {
  if (driver.kindOf(store) !== 'join-window' && driver.kindOf(store) !== 'window') return entry;
  const { ts: _ts, headers: _headers, ...rest } = entry;
  return rest;
}

/** A versioned store has no iteration: each expected version is read as of its start, and each key's latest. */
function versionedEntries(store: VersionedKeyValueStore<string, string>, expected: readonly GoldenStoreEntry[]): Entry[] {
  const entries: Entry[] = [];
  expected.forEach(({ key, ts }, i) => {
    const version = store.getAsOf(key as string, ts as number);
    if (version !== null)
      entries.push({ key, value: version.value, ts: version.timestamp, ...(version.validTo === undefined ? {} : { validTo: version.validTo }) });
    const last = expected[i + 1]?.key !== key;
    const latest = last ? store.get(key as string) : null;
    if (latest !== null && latest.timestamp !== ts) entries.push({ key, value: latest.value, ts: latest.timestamp });
  });
  return entries;
}
