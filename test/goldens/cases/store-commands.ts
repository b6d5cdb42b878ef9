import {
  type KeyValueStore,
  type SessionStore,
  type StoreBuilder,
  Stores,
  type StreamsBuilder,
  type VersionedKeyValueStore,
  type VersionedRecord,
  type WindowStore,
} from 'millrace';
import { dump, type GoldenCases, processing, S } from './helpers.ts';

/** What a command returns; null where it has no result. */
type Command<Store> = (store: Store, key: string, command: string, timestamp: number) => string | null;

/** A processor that runs the value of each record as a command on the store and answers `command -> result`. */
function commands<Store>(b: StreamsBuilder, builder: StoreBuilder, run: Command<Store>): void {
  b.addStateStore(builder);
  b.stream<string, string>('in')
    .process(
      processing<string, string, string, string>((record, context) => {
        if (record.value === null || record.key === null) return;
        const result = run(context.getStateStore<Store>(builder.name), record.key, record.value, record.timestamp);
        context.forward(record.withValue(`${record.value} -> ${result}`));
      }),
      { stores: [builder.name] },
    )
    .to('out');
}

function keyValueCommand(store: KeyValueStore<string, string>, key: string, command: string): string | null {
  const [verb, rest] = parse(command);
  switch (verb) {
    case 'put ':
      store.put(key, rest);
      return null;
    case 'pia ':
      return store.putIfAbsent(key, rest);
    case 'get':
      return store.get(key);
    case 'del':
      return store.delete(key);
    case 'nil':
      store.put(key, null);
      return null;
    case 'all':
      return dump(store.all());
    case 'rall':
      return dump(store.reverseAll());
    case 'from':
      return dump(store.range(key, null));
    case 'to':
      return dump(store.range(null, key));
    case 'range ':
      return dump(store.range(key, rest));
    case 'rrange ':
      return dump(store.reverseRange(key, rest));
    case 'prefix':
      return dump(store.prefixScan(key, S));
    default:
      return null;
  }
}

function windowCommand(store: WindowStore<string, string>, key: string, command: string, timestamp: number): string | null {
  const [verb, rest] = parse(command);
  const from = Math.max(0, timestamp - 15);
  const to = timestamp + 5;
  switch (verb) {
    case 'put ':
      store.put(key, rest, timestamp);
      return null;
    case 'nil':
      store.put(key, null, timestamp);
      return null;
    case 'one':
      return store.fetch(key, timestamp);
    case 'fetch':
      return dump(store.fetchRange(key, from, to));
    case 'bfetch':
      return dump(store.backwardFetchRange(key, from, to));
    case 'keys ':
      return dump(store.fetchKeys(key, rest, from, to));
    case 'bkeys ':
      return dump(store.backwardFetchKeys(key, rest, from, to));
    case 'fetchall':
      return dump(store.fetchAll(from, to));
    case 'bfetchall':
      return dump(store.backwardFetchAll(from, to));
    case 'all':
      return dump(store.all());
    case 'ball':
      return dump(store.backwardAll());
    default:
      return null;
  }
}

function sessionCommand(store: SessionStore<string, string>, key: string, command: string, timestamp: number): string | null {
  const [verb, rest] = parse(command);
  const from = Math.max(0, timestamp - 5);
  const to = timestamp + 5;
  switch (verb) {
    case 'put ':
      store.put({ key, window: { start: timestamp, end: timestamp + command.length } }, rest);
      return null;
    case 'rem':
      store.remove({ key, window: { start: timestamp, end: to } });
      return null;
    case 'get':
      return store.fetchSession(key, timestamp, to);
    case 'fetch':
      return dump(store.fetch(key));
    case 'bfetch':
      return dump(store.backwardFetch(key));
    case 'fetchab':
      return dump(store.fetchKeys('a', 'b'));
    case 'find':
      return dump(store.findSessions(key, from, to));
    case 'bfind':
      return dump(store.backwardFindSessions(key, from, to));
    case 'findab':
      return dump(store.findSessionsKeys('a', 'b', from, to));
    default:
      return null;
  }
}

function versionedCommand(store: VersionedKeyValueStore<string, string>, key: string, command: string, timestamp: number): string | null {
  const [verb, rest] = parse(command);
  switch (verb) {
    case 'put ':
      return javaLong(store.put(key, rest, timestamp));
    case 'nil':
      return javaLong(store.put(key, null, timestamp));
    case 'del':
      return shownVersion(store.delete(key, timestamp));
    case 'get':
      return shownVersion(store.get(key));
    case 'asof':
      return shownVersion(store.getAsOf(key, timestamp));
    default:
      return null;
  }
}

/** The verb with its trailing space where an argument follows, and that argument. */
function parse(command: string): [verb: string, rest: string] {
  const space = command.indexOf(' ');
  return space < 0 ? [command, ''] : [command.substring(0, space + 1), command.substring(space + 1)];
}

/** A put that was too old is `Long.MIN_VALUE` in Java. */
function javaLong(value: number): string {
  return value === Number.MIN_SAFE_INTEGER ? '-9223372036854775808' : `${value}`;
}

function shownVersion(version: VersionedRecord<string> | null): string {
  return version === null ? 'null' : `${version.value}@${version.timestamp}..${version.validTo ?? ''}`;
}

export const storeCommands: GoldenCases = {
  'papi-kv-ops': (b) => commands(b, Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('kv'), S, S), keyValueCommand),
  'papi-window-ops': (b) => commands(b, Stores.windowStoreBuilder(Stores.persistentWindowStore('win', 100, 10, false), S, S), windowCommand),
  'papi-window-duplicates': (b) => {
    b.addStateStore(Stores.windowStoreBuilder(Stores.inMemoryWindowStore('win', 100, 10, true), S, S));
    b.stream<string, string>('in')
      .process(
        processing<string, string, string, string>((record, context) => {
          const store = context.getStateStore<WindowStore<string, string>>('win');
          if (record.key === null) return;
          store.put(record.key, record.value, record.timestamp);
          context.forward(record.withValue(dump(store.fetchRange(record.key, Math.max(0, record.timestamp - 10), record.timestamp))));
        }),
        { stores: ['win'] },
      )
      .to('out');
  },
  'papi-session-ops': (b) => commands(b, Stores.sessionStoreBuilder(Stores.persistentSessionStore('ses', 100), S, S), sessionCommand),
  'papi-versioned-ops': (b) => commands(b, Stores.versionedKeyValueStoreBuilder(Stores.persistentVersionedKeyValueStore('ver', 50), S, S), versionedCommand),
};
