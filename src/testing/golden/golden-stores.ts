import { serdes } from '../../serdes/serdes.ts';
import type { OuterJoinStore } from '../../state/contract/special-stores.ts';
import type {
  HeadersKeyValueStore,
  KeyValueStore,
  SessionStore,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  WindowStore,
} from '../../state/contract/stores.ts';
import type { EngineVersionedStore } from '../../state/versioned/versioned-store.ts';
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
  const contents = rawContents(golden, driver, name);
  return contents && { expected: contents.expected, actual: contents.actual.map(withNumbers) };
}

/** Cases show integers of 64 bits as JSON numbers. */
function withNumbers(entry: Entry): Entry {
  const { key, value } = entry as { key?: unknown; value?: unknown };
  if (typeof key !== 'bigint' && typeof value !== 'bigint') return entry;
  return { ...entry, ...(typeof key === 'bigint' && { key: Number(key) }), ...(typeof value === 'bigint' && { value: Number(value) }) };
}

function rawContents(golden: GoldenCase, driver: TopologyTestDriver, name: string): StoreContents | undefined {
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
      return { expected, actual: versionedEntries(driver.getStateStore(name)) };
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
    case 'join-outer':
      return {
        expected,
        actual: Array.from(driver.getStateStore<OuterJoinStore<string, string, string>>(name).all(), ({ key, value, timestamp }) => ({
          key,
          value,
          ts: timestamp,
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

/** Sessions of several keys have no order that both sides promise: they are compared by key, then time. */
function sessionContents(golden: GoldenCase, driver: TopologyTestDriver, name: string, entries: readonly GoldenStoreEntry[]): StoreContents {
  const store = driver.getStateStore<SessionStore<string, string>>(name);
  const all = Array.from(store.fetchKeys(null, null), ([{ key, window }, value]): Entry => ({ key, value, start: window.start, end: window.end }));
  const expected = entries.map(({ keyHex: _, ...entry }): Entry => entry);
  const order = (a: Entry, b: Entry): number =>
    Buffer.compare(Buffer.from(String(a.key)), Buffer.from(String(b.key))) ||
    (a.end as number) - (b.end as number) ||
    (a.start as number) - (b.start as number);
  if (entries.length === 0) {
    return { expected: changelogSessions(golden, driver, name).sort(order), actual: all.map(({ value: _, ...entry }) => entry).sort(order) };
  }
  return { expected: expected.sort(order), actual: all.sort(order) };
}

/** Java's session store of closed windows lists nothing for an open range of keys. Which sessions it holds is what its changelog has left of them, within the retention. */
function changelogSessions(golden: GoldenCase, driver: TopologyTestDriver, name: string): Entry[] {
  const sessions = new Map<string, Entry>();
  let observed = Number.NEGATIVE_INFINITY;
  for (const { topic, keyHex, valueHex } of golden.expected.flat()) {
    if (topic !== `golden-${name}-changelog` || keyHex === null) continue;
    const bytes = Buffer.from(keyHex, 'hex');
    const { key, window } = serdes.sessionWindowed(serdes.string).deserialize(topic, bytes);
    observed = Math.max(observed, window.end);
    if (valueHex === null) sessions.delete(keyHex);
    else sessions.set(keyHex, { key, start: window.start, end: window.end });
  }
  const oldest = observed - (driver.builderOf(name)?.retentionPeriod ?? 0);
  return [...sessions.values()].filter(({ end }) => (end as number) > oldest);
}

/** Every version that is still held, past the history or not. */
function versionedEntries(store: EngineVersionedStore<string, string>): Entry[] {
  return Array.from(store.versions(), ([key, { value, timestamp, validTo }]) => ({ key, value, ts: timestamp, ...(validTo === undefined ? {} : { validTo }) }));
}
