import { type KStream, serdes, TimeWindows } from 'millrace';
import { type GoldenCases, kv, L, letterOrNull, parseLong, processing, processingValues, S, split, timeWindowed } from './helpers.ts';

export const stateless: GoldenCases = {
  'filter-filternot': (b) => {
    b.stream<string, string>('in')
      .filter((_k, v) => v !== null && !v.startsWith('c'))
      .filterNot((_k, v) => v.endsWith('3'))
      .to('out');
  },
  'filter-named': (b) => {
    b.stream('in', { key: S, value: S, name: 'src' })
      .filter((k) => k === 'a', { name: 'only-a' })
      .filterNot((_k, v) => v === null, { name: 'no-null' })
      .to('out', { key: S, value: S, name: 'snk' });
  },
  'map-to-long': (b) => {
    b.stream<string, string>('in')
      .map((k, v) => [`${k}-${v}`, v === null ? -1 : v.length])
      .to('out', { key: S, value: L });
  },
  mapvalues: (b) => {
    const s = b.stream<string, string>('in');
    s.mapValues((v) => `${v}!`).to('out');
    s.mapValues((v, k) => `${k}:${v}`).to('out2');
  },
  flatmap: (b) => {
    b.stream<string, string>('in')
      .flatMap((k, v) => {
        const results: [string, string][] = [];
        if (v !== null && !v.startsWith('b')) results.push([v, k]);
        if (v?.startsWith('c')) results.push([`${v}2`, k]);
        return results;
      })
      .to('out');
  },
  flatmapvalues: (b) => {
    const s = b.stream<string, string>('in');
    s.filter((_k, v) => v !== null)
      .flatMapValues((v) => split(v, ' '))
      .to('out');
    s.flatMapValues((v, k) => (v === null ? [] : [`${k}${v}`, `${v}${k}`]), { name: 'fmv' }).to('out2');
  },
  'selectkey-to': (b) => {
    b.stream<string, string>('in')
      .selectKey((_k, v) => letterOrNull(v))
      .to('out');
  },
  'selectkey-count': (b) => {
    b.stream<string, string>('in')
      .selectKey((_k, v) => letterOrNull(v))
      .groupByKey()
      .count()
      .toStream()
      .to('out', { key: S, value: L });
  },
  merge: (b) => {
    const s1 = b.stream<string, string>('in1');
    const s2 = b.stream<string, string>('in2');
    const s3 = b.stream<string, string>('in3');
    s1.merge(s2).to('out');
    s1.mapValues((v) => `1${v}`)
      .merge(s2, { name: 'm12' })
      .merge(
        s3.filter((k) => k !== null),
        { name: 'm123' },
      )
      .to('out2');
  },
  'split-default': (b) => {
    const branches = b
      .stream<string, string>('in')
      .split()
      .branch((_k, v) => v?.startsWith('a') ?? false)
      .branch((_k, v) => v?.endsWith('1') ?? false)
      .defaultBranch();
    for (const name of [...branches.keys()].sort())
      branch(branches, name)
        .mapValues((v) => `${name}=${v}`)
        .to(`out-${name.at(-1)}`);
  },
  'split-nodefault': (b) => {
    const branches = b
      .stream<string, string>('in')
      .split({ name: 'sp-' })
      .branch((_k, v) => v?.startsWith('a') ?? false, { name: 'a' })
      .branch((_k, v) => v?.startsWith('b') ?? false, { name: 'b' })
      .noDefaultBranch();
    branch(branches, 'sp-a').to('out-a');
    branch(branches, 'sp-b').to('out-b');
  },
  'split-consumers': (b) => {
    const branches = b
      .stream<string, string>('in')
      .split({ name: 'x-' })
      .branch((_k, v) => v?.startsWith('a') ?? false, { consumer: (s) => s.to('out-c') })
      .branch((_k, v) => v?.startsWith('b') ?? false, { chain: (s) => s.mapValues((v) => `f${v}`), name: 'fn' })
      .defaultBranch({ chain: (s) => s.filter((k) => k !== null) });
    const keys = [...branches.keys()].sort().join(',');
    branch(branches, 'x-fn').to('out-f');
    branch(branches, 'x-0').to('out-d');
    branch(branches, 'x-fn')
      .mapValues(() => keys)
      .to('out-keys');
  },
  'peek-foreach': (b) => {
    const s = b.stream<string, string>('in');
    s.peek(() => {})
      .peek(() => {}, { name: 'look' })
      .to('out');
    s.foreach(() => {});
    s.foreach(() => {}, { name: 'end' });
  },
  'repartition-generated': (b) => {
    const s = b.stream<string, string>('in');
    s.repartition().to('out');
    s.selectKey((_k, v) => v)
      .repartition({ name: 'byval', key: S, value: S, partitions: 3 })
      .to('out2');
  },
  totable: (b) => {
    const s = b.stream<string, string>('in');
    s.toTable().toStream().to('out');
    s.mapValues((v) => v)
      .toTable({ name: 'tt', ...kv('tt-store', S, S) })
      .toStream()
      .to('out2');
  },
  'totable-repartition': (b) => {
    b.stream<string, string>('in')
      .map((k, v) => [v === null ? k : v.substring(0, 1), v])
      .toTable({ store: 'st' })
      .toStream()
      .to('out');
  },
  'process-forwarding': (b) => {
    b.stream<string, string>('in')
      .process(
        processing<string, string, string, string>((record, context) => {
          if (record.value === null) return;
          context.forward(record);
          context.forward(record.withKey(`x${record.key}`).withTimestamp(record.timestamp + 100));
          context.forward(record.withValue(`${record.value}#`).withHeaders([...record.headers, ['added', Buffer.from(record.value)]]));
        }),
      )
      .to('out');
  },
  'process-named-downstream': (b) => {
    b.stream<string, string>('in')
      .process(
        processing<string, string, string, string>((record, context) => context.forward(record.withKey(`${record.key}p`))),
        { name: 'proc' },
      )
      .groupByKey()
      .count({ store: 'cnt' })
      .toStream()
      .to('out', { key: S, value: L });
  },
  processvalues: (b) => {
    const s = b.stream<string, string>('in').processValues(
      processingValues<string, string, string>((record, context) => {
        context.forward(record.withValue(`${record.key}/${record.value}`));
        context.forward(record.withValue('2').withTimestamp(record.timestamp + 1));
      }),
    );
    s.to('out');
    s.groupByKey().count().toStream().to('cnt', { key: S, value: L });
  },
  'to-extractor': (b) => {
    b.stream<string, string>(['in', 'in-b']).to(
      (_key, value, context) => (context.topic === 'in-b' ? 'from-in-b' : value?.startsWith('a') ? 'dyn-a' : 'dyn-other'),
      { key: S, value: S },
    );
  },
  'stream-multi-topic': (b) => {
    b.stream<string, string>(['t1', 't2', 't3'])
      .mapValues((v) => `${v}~`)
      .to('out');
  },
  'stream-pattern': (b) => {
    b.stream(/pre-.*/, { key: S, value: S }).to('out');
  },
  'timestamp-extractor': (b) => {
    const s = b.stream('in', {
      key: S,
      value: S,
      timestamp: (record, partitionTime) => (record.value === null ? partitionTime : parseLong(record.value)),
    });
    s.to('out');
    s.groupByKey()
      .windowedBy(TimeWindows.ofSizeWithNoGrace(10))
      .count()
      .toStream()
      .to('counts', { key: timeWindowed(10), value: L });
  },
  'timestamp-extractor-skip': (b) => {
    b.stream('in', { key: S, value: S, timestamp: (record) => (record.value === 'bad' ? -1 : record.timestamp + 1000) }).to('out');
  },
  'serde-types': (b) => {
    // Sums and products leave the numbers that JavaScript holds exactly; the bytes of both serdes are the same.
    const s = b.stream('in', { key: L, value: serdes.bigint });
    s.mapValues((v) => (v === null ? 0n : v * 2n)).to('out', { key: L, value: serdes.bigint });
    s.filter((_k, v) => v !== null)
      .groupByKey({ key: L, value: serdes.bigint })
      .reduce((x, y) => x + y, kv('sums', L, serdes.bigint))
      .toStream()
      .to('sum', { key: L, value: serdes.bigint });
  },
  'source-sink-chain': (b) => {
    b.stream<string, string>('in')
      .mapValues((v) => `${v}>`)
      .to('mid');
    b.stream<string, string>('mid')
      .mapValues((v) => `${v}<`)
      .to('out');
  },
};

function branch<K, V>(branches: ReadonlyMap<string, KStream<K, V>>, name: string): KStream<K, V> {
  const stream = branches.get(name);
  if (stream === undefined) throw new Error(`No branch ${name}; there are ${[...branches.keys()].join(', ')}`);
  return stream;
}
