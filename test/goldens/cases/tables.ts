import { type KeyValueStore, SessionWindows, Stores, TimeWindows } from 'millrace';
import { capped, type GoldenCases, kv, L, letter, processing, S, ses, sessionWindowed, timeWindowed, versioned, win } from './helpers.ts';

export const tables: GoldenCases = {
  'ktable-source': (b) => {
    b.table<string, string>('t').toStream().to('out');
  },
  'ktable-source-materialized': (b) => {
    b.table('t', { name: 'tsrc', ...kv('ts', S, S) })
      .toStream({ name: 'str' })
      .to('out');
  },
  'ktable-source-optimized': (b) => {
    b.table('t', { name: 'tsrc', ...kv('ts', S, S) })
      .toStream({ name: 'str' })
      .to('out');
  },
  'ktable-filter': (b) => {
    const t = b.table<string, string>('t', { store: 'st' });
    t.filter((_k, v) => v.startsWith('a'))
      .toStream()
      .to('out');
    t.filterNot((_k, v) => v.startsWith('a'))
      .toStream()
      .to('out-not');
  },
  'ktable-filter-materialized': (b) => {
    const t = b.table<string, string>('t');
    t.filter((_k, v) => v.startsWith('a'), { name: 'fa', ...kv('fs', S, S) })
      .toStream()
      .to('out');
    t.filterNot((_k, v) => v.startsWith('a'), { store: 'fns' })
      .toStream()
      .to('out-not');
  },
  'ktable-mapvalues': (b) => {
    const t = b.table<string, string>('t');
    t.mapValues((v) => `${v}!`)
      .toStream()
      .to('out');
    t.mapValues((v, k) => `${k}=${v}`, { name: 'mv' })
      .toStream()
      .to('out-key');
    t.mapValues((v) => v.length, kv('len', S, L))
      .toStream()
      .to('out-long', { key: S, value: L });
  },
  'ktable-mapvalues-to-null': (b) => {
    const mapped = b.table<string, string>('t').mapValues((v) => (v.startsWith('c') ? null : `${v}m`));
    mapped.toStream().to('out');
    mapped
      .filter((_k, v) => v !== null && !v.startsWith('b'))
      .groupBy((_k, v) => [letter(v ?? ''), v])
      .count()
      .toStream()
      .to('cnt', { key: S, value: L });
  },
  'ktable-tostream-mapper': (b) => {
    const s = b.table<string, string>('t').toStream((_k, v) => (v === null ? 'gone' : letter(v)), { name: 'rekey' });
    s.to('out');
    s.groupByKey().count().toStream().to('cnt', { key: S, value: L });
  },
  'ktable-transformvalues': (b) => {
    b.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('calls'), S, L));
    b.table('t', kv('src', S, S))
      .transformValues(
        () => {
          let store: KeyValueStore<string, number>;
          return {
            init(context) {
              store = context.getStateStore('calls');
            },
            transform(key, value) {
              const calls = (store.get(key) ?? 0) + 1;
              store.put(key, calls);
              return `${value}/${calls}`;
            },
          };
        },
        { stores: ['calls'] },
      )
      .toStream()
      .to('out');
  },
  'ktable-transformvalues-materialized': (b) => {
    const t = b.table<string, string>('t').transformValues(() => ({ transform: (key, value) => (value === null ? null : `${key}${value}`) }), {
      name: 'tvp',
      ...kv('tv', S, S),
    });
    t.toStream().to('out');
    t.join(b.table<string, string>('u'), (x, y) => `${x}+${y}`)
      .toStream()
      .to('joined');
  },
  'ktable-stream-process': (b) => {
    b.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore('last'), S, S));
    b.table<string, string>('t')
      .toStream()
      .process(
        processing<string, string | null, string, string>((record, context) => {
          const store = context.getStateStore<KeyValueStore<string, string>>('last');
          const old = store.get(record.key);
          if (old === record.value) return;
          if (record.value === null) store.delete(record.key);
          else store.put(record.key, record.value);
          context.forward(record.withValue(`${old}>${record.value}`));
        }),
        { stores: ['last'] },
      )
      .to('out');
  },
  'versioned-source': (b) => {
    b.table('t', { key: S, value: S, ...versioned('vs', 50) })
      .toStream()
      .to('out');
  },
  'versioned-groupby': (b) => {
    b.table<string, string>('t', versioned('vs', 1000))
      .groupBy((_k, v) => ['all', v])
      .aggregate({
        initializer: () => '',
        adder: (_k, v, aggregate) => `${capped(aggregate, 20)}+${v}`,
        subtractor: (_k, v, aggregate) => `${capped(aggregate, 20)}-${v}`,
      })
      .toStream()
      .to('out');
  },
  'versioned-filter-mapvalues': (b) => {
    const t = b.table<string, string>('t', versioned('vs', 1000));
    t.filter((_k, v) => !v.startsWith('c'))
      .mapValues((v) => `${v}!`)
      .toStream()
      .to('out');
    t.filter((_k, v) => !v.startsWith('b'), versioned('vs2', 1000))
      .toStream()
      .to('out2');
  },
  'versioned-mapvalues': (b) => {
    b.table<string, string>('t')
      .mapValues((v) => `${v}m`, { key: S, value: S, ...versioned('vm', 100) })
      .toStream()
      .to('out');
  },
  'dsl-store-format-headers': (b) => {
    const grouped = b.stream<string, string>('in').groupByKey();
    grouped
      .count(kv('c', S, L))
      .toStream()
      .to('out', { key: S, value: L });
    b.table('t', kv('ts', S, S))
      .mapValues((v) => `${v}m`)
      .toStream()
      .to('tout');
    grouped
      .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
      .count(win('w', S, L))
      .toStream()
      .to('wout', { key: timeWindowed(10), value: L });
    grouped
      .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(10))
      .count(ses('s', S, L))
      .toStream()
      .to('sout', { key: sessionWindowed(), value: L });
  },
};
