import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { ConsumedMessage } from '../../../src/kafka/contract.ts';
import { NeedsNativeClient } from '../../../src/kafka/direct/needs-native-client.ts';
import { RecordBatches } from '../../../src/kafka/direct/record-batches.ts';
import type { AbortedTransaction, Isolation } from '../../../src/kafka/direct/requests.ts';
import { type BatchOptions, type BatchRecord, endTransaction, oldMessage, recordBatch } from '../../support/record-batch.ts';

const ALL = 1_000_000;

function open(log: Buffer, from = 0, aborted: readonly AbortedTransaction[] = [], isolation: Isolation = 'read_committed'): RecordBatches {
  return new RecordBatches('t', 3, from, log, aborted, isolation);
}

function read(log: Buffer, from = 0): ConsumedMessage[] {
  const into: ConsumedMessage[] = [];
  const batches = open(log, from);
  assert.equal(batches.take(into, ALL), into.length);
  assert.equal(batches.bytesLeft, 0);
  return into;
}

function readBatch(records: readonly BatchRecord[], options?: BatchOptions): ConsumedMessage[] {
  return read(recordBatch(records, options));
}

const offsets = (messages: readonly ConsumedMessage[]): number[] => messages.map(({ offset }) => offset);

const numbered = (from: number, count: number): BatchRecord[] =>
  Array.from({ length: count }, (_, i) => ({ offset: from + i, key: `k${from + i}`, value: `v${from + i}` }));

describe('a record', () => {
  it('keeps null apart from empty in key, value and headers, and its headers in order', () => {
    const headers: BatchRecord['headers'] = [
      ['b', 'x'],
      ['', ''],
      ['b', null],
      ['__proto__', 'y'],
    ];
    const [nothing, empty, full] = readBatch([
      { offset: 0 },
      { offset: 1, key: '', value: '', headers: [['h', null]] },
      { offset: 2, key: 'ключ', value: Buffer.from([0, 255]), headers },
    ]);
    assert.deepEqual(nothing, { topic: 't', partition: 3, offset: 0, key: null, value: null, timestamp: 1000 });
    assert.deepEqual(empty, { topic: 't', partition: 3, offset: 1, key: Buffer.alloc(0), value: Buffer.alloc(0), timestamp: 1000, headers: [{ h: null }] });
    assert.deepEqual([full?.key?.toString(), full?.value], ['ключ', Buffer.from([0, 255])]);
    assert.deepEqual(
      full?.headers?.flatMap((header) => Object.entries(header)),
      headers.map(([name, value]) => [name, value === null ? null : Buffer.from(value)]),
    );
  });

  it('has lengths of one byte and of several', () => {
    for (const size of [63, 64, 8191, 8192, 1_048_575, 1_048_576, 3_000_000]) {
      const [record] = readBatch([{ offset: 0, key: 'k', value: Buffer.alloc(size, 7) }]);
      assert.deepEqual(record?.value, Buffer.alloc(size, 7), `${size} bytes`);
    }
  });

  it('has the timestamp of the batch and its own difference, negative and huge ones too', () => {
    const deltas = [0, 1, -1, 63, -64, 64, -65, 2 ** 27 - 1, -(2 ** 27), 2 ** 27, -(2 ** 27) - 1, 2 ** 31, -(2 ** 31), 2 ** 45, -(2 ** 45), 2 ** 52 - 1];
    const records = deltas.map((timestampDelta, offset) => ({ offset, timestampDelta }));
    assert.deepEqual(
      readBatch(records, { baseTimestamp: 0 }).map(({ timestamp }) => timestamp),
      deltas,
    );
    const now = 1_790_000_000_000;
    assert.deepEqual(
      readBatch(records.slice(0, 8), { baseTimestamp: now }).map(({ timestamp }) => timestamp),
      deltas.slice(0, 8).map((delta) => now + delta),
    );
  });

  it('may have no timestamp', () => {
    assert.deepEqual(
      readBatch([{ offset: 0 }, { offset: 1 }], { baseTimestamp: -1 }).map(({ timestamp }) => timestamp),
      [-1, -1],
    );
  });

  it('has the time of the append where the topic says so', () => {
    const records = [
      { offset: 0, timestampDelta: 5 },
      { offset: 1, timestampDelta: -7 },
    ];
    assert.deepEqual(
      readBatch(records, { logAppendTime: true, maxTimestamp: 77_000_000_000 }).map(({ timestamp }) => timestamp),
      [77_000_000_000, 77_000_000_000],
    );
  });
});

describe('the record batches of a response', () => {
  it('are taken piece by piece', () => {
    const log = Buffer.concat([recordBatch(numbered(0, 5)), recordBatch(numbered(5, 5), { codec: 1 }), recordBatch(numbered(10, 1))]);
    for (let max = 1; max <= 12; max++) {
      const batches = open(log);
      const into: ConsumedMessage[] = [];
      while (into.length < 11) {
        const taken = batches.take(into, max);
        assert.ok(taken > 0 && taken <= max);
        assert.equal(batches.nextOffset, into.length);
      }
      assert.equal(batches.take(into, max), 0);
      assert.deepEqual(
        into.map(({ offset, key, value }) => [offset, String(key), String(value)]),
        numbered(0, 11).map(({ offset, key, value }) => [offset, key, value]),
      );
      assert.deepEqual([batches.nextOffset, batches.endOffset, batches.bytesLeft], [11, 11, 0]);
    }
  });

  it('have gaps where the log was compacted', () => {
    const log = Buffer.concat([
      recordBatch([{ offset: 102 }, { offset: 140 }], { baseOffset: 100, lastOffset: 199 }),
      // All of its records are gone; it stays for its producer's sequence number.
      recordBatch([], { baseOffset: 200, lastOffset: 249, producerId: 5 }),
      recordBatch([{ offset: 1_000_000_000_250 }], { baseOffset: 1_000_000_000_000, lastOffset: 1_000_000_000_300 }),
    ]);
    const batches = open(log, 50);
    const into: ConsumedMessage[] = [];
    assert.equal(batches.take(into, 2), 2);
    assert.equal(batches.nextOffset, 200);
    assert.equal(batches.take(into, ALL), 1);
    assert.deepEqual(offsets(into), [102, 140, 1_000_000_000_250]);
    assert.deepEqual([batches.nextOffset, batches.endOffset, batches.bytesLeft], [1_000_000_000_301, 1_000_000_000_301, 0]);
  });

  it('begin before the offset that was asked for', () => {
    const log = Buffer.concat([recordBatch(numbered(0, 10)), recordBatch(numbered(10, 10), { codec: 1 }), recordBatch(numbered(20, 3))]);
    for (let from = 0; from < 23; from++) {
      assert.deepEqual(
        offsets(read(log, from)),
        numbered(from, 23 - from).map(({ offset }) => offset),
      );
    }
    assert.deepEqual(read(log, 23), []);
    assert.equal(open(log, 99).endOffset, 99);
  });

  it('may be none', () => {
    const batches = open(Buffer.alloc(0), 7);
    assert.equal(batches.take([], ALL), 0);
    assert.deepEqual([batches.nextOffset, batches.endOffset, batches.bytesLeft], [7, 7, 0]);
  });

  it('may be cut off at the end, at any byte', () => {
    const batch = (from: number, count: number): Buffer => recordBatch(numbered(from, count), { codec: from % 2 });
    const whole = Buffer.concat([batch(0, 3), batch(3, 2)]);
    const log = Buffer.concat([whole, batch(5, 4)]);
    for (let length = whole.length; length < log.length; length++) {
      const batches = open(log.subarray(0, length));
      const into: ConsumedMessage[] = [];
      assert.equal(batches.take(into, ALL), 5);
      assert.deepEqual([batches.nextOffset, batches.endOffset, batches.bytesLeft], [5, 5, 0], `${length} of ${log.length} bytes`);
    }
  });

  it('may be compressed with gzip, in one piece and in several', () => {
    const pieces = (size: number) => (bytes: Buffer) =>
      Buffer.concat(Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => gzipSync(bytes.subarray(i * size, (i + 1) * size))));
    for (const compress of [gzipSync, pieces(7), pieces(50)]) {
      assert.deepEqual(
        readBatch(numbered(0, 30), { codec: 1, compress: (bytes) => compress(bytes) }).map(({ value }) => String(value)),
        numbered(0, 30).map(({ value }) => value),
      );
    }
  });

  for (const [codec, name] of ['snappy', 'lz4', 'zstd', 'codec 5'].entries()) {
    it(`need the native client where one of them is compressed with ${name}`, () => {
      const log = Buffer.concat([recordBatch(numbered(0, 3)), recordBatch(numbered(3, 3), { codec: codec + 2 })]);
      assert.throws(
        () => open(log),
        (error: unknown) => error instanceof NeedsNativeClient && error.message.includes(name),
      );
    });
  }

  for (const magic of [0, 1] as const) {
    it(`need the native client for messages of magic ${magic}, however small`, () => {
      for (const value of ['', 'v', 'v'.repeat(200)]) {
        const message = oldMessage(4, value, magic);
        const logs = [message, Buffer.concat([message, oldMessage(5, 'w', magic)]), Buffer.concat([recordBatch(numbered(0, 4)), message])];
        for (const log of logs) assert.throws(() => open(log), NeedsNativeClient, `${value.length} bytes`);
      }
    });
  }
});

describe('transactions', () => {
  it('hide their records when they were aborted, and only where they were', () => {
    const log = Buffer.concat([
      recordBatch(numbered(0, 2), { producerId: 1, transactional: true }),
      recordBatch(numbered(2, 1), { producerId: 2, transactional: true }),
      recordBatch(numbered(3, 1)),
      recordBatch(numbered(4, 1), { producerId: 1 }),
      endTransaction(5, 1, 'abort'),
      recordBatch(numbered(6, 1), { producerId: 1, transactional: true }),
      endTransaction(7, 2, 'commit'),
      endTransaction(8, 1, 'commit'),
    ]);
    const visible = (isolation: Isolation, from = 0): number[] => {
      const into: ConsumedMessage[] = [];
      const batches = open(log, from, [{ producerId: 1, firstOffset: 0 }], isolation);
      batches.take(into, ALL);
      assert.equal(batches.nextOffset, 9);
      return offsets(into);
    };
    assert.deepEqual(visible('read_committed'), [2, 3, 4, 6]);
    assert.deepEqual(visible('read_uncommitted'), [0, 1, 2, 3, 4, 6]);
    assert.deepEqual(visible('read_committed', 1), [2, 3, 4, 6]);
    // What was before the offset that was asked for counts all the same.
    assert.deepEqual(visible('read_committed', 6), [6]);
  });

  it('skips control records of any kind', () => {
    const leaderChange = recordBatch([{ offset: 0, key: Buffer.from([0, 0, 0, 2]), value: 'new leader' }], { control: true });
    assert.deepEqual(offsets(read(Buffer.concat([leaderChange, recordBatch(numbered(1, 1))]))), [1]);
  });
});

/** What producers do, one after the other. */
interface Step {
  readonly producer: number;
  /** `plain`: outside a transaction. */
  readonly what: 'write' | 'plain' | 'commit' | 'abort';
  readonly records: number;
  /** Compacted away: before each record, and behind the last. */
  readonly gap: number;
  readonly gzip: boolean;
}

interface LogBatch {
  readonly bytes: Buffer;
  readonly end: number;
  readonly records: readonly number[];
  /** Of producer and transaction; null outside one. */
  readonly transaction: { outcome: 'open' | 'commit' | 'abort'; readonly first: number; last: number } | null;
  readonly control: boolean;
}

function buildLog(steps: readonly Step[]): { batches: LogBatch[]; aborted: (AbortedTransaction & { readonly last: number })[] } {
  const batches: LogBatch[] = [];
  const aborted: (AbortedTransaction & { readonly last: number })[] = [];
  const running = new Map<number, NonNullable<LogBatch['transaction']>>();
  let offset = 0;
  for (const { producer, what, records, gap, gzip } of steps) {
    const transaction = running.get(producer);
    if (what === 'commit' || what === 'abort') {
      if (transaction === undefined) continue;
      running.delete(producer);
      transaction.outcome = what;
      transaction.last = offset;
      if (what === 'abort') aborted.push({ producerId: producer, firstOffset: transaction.first, last: offset });
      batches.push({ bytes: endTransaction(offset, producer, what), end: ++offset, records: [], transaction, control: true });
      continue;
    }
    // A producer has one transaction at a time and writes nothing beside it.
    const inTransaction = what === 'write' || transaction !== undefined;
    const mine = transaction ?? { outcome: 'open', first: offset, last: Number.POSITIVE_INFINITY };
    if (inTransaction) running.set(producer, mine);
    const baseOffset = offset;
    const written = Array.from({ length: records }, (_, i) => baseOffset + (i + 1) * (gap + 1) - 1).map((at) => ({ offset: at, value: `${at}` }));
    offset += records * (gap + 1) + gap;
    if (offset === baseOffset) continue;
    const options = { baseOffset, lastOffset: offset - 1, producerId: producer, transactional: inTransaction, codec: gzip ? 1 : 0 };
    batches.push({
      bytes: recordBatch(written, options),
      end: offset,
      records: written.map((record) => record.offset),
      transaction: inTransaction ? mine : null,
      control: false,
    });
  }
  return { batches, aborted };
}

describe('any log', () => {
  it('is read as an oracle reads it, wherever it is cut off and however it is taken', () => {
    const step: fc.Arbitrary<Step> = fc.record({
      producer: fc.integer({ min: 1, max: 4 }),
      what: fc.constantFrom('write', 'write', 'write', 'plain', 'commit', 'abort'),
      records: fc.nat({ max: 5 }),
      gap: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 100 }) }),
      gzip: fc.boolean(),
    });
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    const isolations = fc.constantFrom<Isolation>('read_committed', 'read_uncommitted');
    const seen = { hidden: 0, cut: 0, midBatch: 0, records: 0 };
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 50, size: 'max' }),
        fc.nat(),
        fc.nat(),
        sizes,
        isolations,
        (steps, start, cut, takes, isolation) => {
          const log = buildLog(steps);
          const logEnd = log.batches.at(-1)?.end ?? 0;
          const from = start % (logEnd + 1);
          // As a broker answers: from the batch with the wanted offset on, under read_committed up to where the first open transaction begins.
          const open = log.batches.filter(({ transaction }) => transaction?.outcome === 'open').map(({ transaction }) => transaction?.first ?? 0);
          const stable = isolation === 'read_committed' ? Math.min(logEnd, ...open) : logEnd;
          const answer = log.batches.filter(({ end }) => end > from && end <= stable);
          const bytes = Buffer.concat(answer.map((batch) => batch.bytes));
          // Never within the first.
          const first = answer[0]?.bytes.length ?? 0;
          const length = first + (cut % (bytes.length - first + 1));
          const whole = answer.filter((_, i) => answer.slice(0, i + 1).reduce((sum, batch) => sum + batch.bytes.length, 0) <= length);
          const upTo = whole.at(-1)?.end ?? from;
          // Not in order, and those of the part that was cut off too.
          const aborted = log.aborted.filter(({ firstOffset, last }) => last >= from && firstOffset < stable).reverse();

          const expected = whole
            .filter(({ control, transaction }) => !control && (isolation === 'read_uncommitted' || transaction?.outcome !== 'abort'))
            .flatMap(({ records }) => records.filter((offset) => offset >= from));

          const batches = new RecordBatches('t', 0, from, bytes.subarray(0, length), isolation === 'read_committed' ? aborted : [], isolation);
          assert.equal(batches.endOffset, upTo);
          const messages: ConsumedMessage[] = [];
          let before = batches.bytesLeft;
          for (let turn = 0; ; turn++) {
            const max = takes[turn % takes.length] as number;
            const taken = batches.take(messages, max);
            assert.ok(taken <= max && batches.bytesLeft <= before);
            before = batches.bytesLeft;
            const last = messages.at(-1)?.offset ?? -1;
            const next = expected[messages.length] ?? upTo;
            assert.ok(batches.nextOffset > last && batches.nextOffset <= next, `position ${batches.nextOffset} between ${last} and ${next}`);
            if (taken < max) break;
          }
          assert.deepEqual(offsets(messages), expected);
          assert.deepEqual(
            messages.map(({ value }) => Number(value)),
            expected,
          );
          assert.deepEqual([batches.nextOffset, batches.bytesLeft], [upTo, 0]);

          seen.records += expected.length;
          if (whole.some(({ transaction }) => transaction?.outcome === 'abort') && isolation === 'read_committed') seen.hidden++;
          if (whole.length < answer.length) seen.cut++;
          if (whole.length > 0 && !log.batches.some(({ end }) => end === from)) seen.midBatch++;
        },
      ),
      { numRuns: 1500, seed: 20_260_101 },
    );
    assert.ok(
      Object.values(seen).every((count) => count > 100),
      JSON.stringify(seen),
    );
  });
});

describe('damage', () => {
  const whole = recordBatch([
    { offset: 0, key: 'key', value: 'value', headers: [['name', 'content']] },
    { offset: 1, key: 'key', value: 'value' },
  ]);
  /** Of the first record in the batch. */
  const FIRST = 61;

  function damaged(change: (batch: Buffer) => void, behind = recordBatch(numbered(2, 2))): Buffer {
    const batch = Buffer.from(whole);
    change(batch);
    return Buffer.concat([batch, behind]);
  }

  const cases: readonly [string, (batch: Buffer) => void][] = [
    ['a batch without room for its head', (batch) => batch.writeInt32BE(10, 8)],
    ['a batch of negative length', (batch) => batch.writeInt32BE(-200, 8)],
    ['a batch of no length', (batch) => batch.writeInt32BE(-12, 8)],
    ['a batch longer than the response, and no whole one', (batch) => batch.writeInt32BE(0x7fff_ffff, 8)],
    ['fewer records than none', (batch) => batch.writeInt32BE(-1, 57)],
    ['more records than there are', (batch) => batch.writeInt32BE(3, 57)],
    ['very many more records than there are', (batch) => batch.writeInt32BE(0x7fff_ffff, 57)],
    ['a record longer than its batch', (batch) => batch.writeUInt8(0x7e, FIRST)],
    ['a record of negative length', (batch) => batch.writeUInt8(0x01, FIRST)],
    ['a record of length 0', (batch) => batch.writeUInt8(0x00, FIRST)],
    ['a record shorter than its fields', (batch) => batch.writeUInt8((batch.readUInt8(FIRST) as number) - 2, FIRST)],
    ['a number that does not end', (batch) => batch.fill(0xff, FIRST)],
    ['a key longer than its record', (batch) => batch.writeUInt8(0x7e, FIRST + 4)],
    ['a value longer than its record', (batch) => batch.writeUInt8(0x7e, FIRST + 8)],
    ['more headers than there are', (batch) => batch.writeUInt8(0x7e, FIRST + 14)],
    ['fewer headers than none', (batch) => batch.writeUInt8(0x01, FIRST + 14)],
    ['bytes that are not gzip', (batch) => batch.writeInt16BE(1, 21)],
  ];
  for (const [what, change] of cases) {
    it(`is an error: ${what}`, () => {
      const into: ConsumedMessage[] = [];
      assert.throws(() => open(damaged(change)).take(into, ALL), RangeErrorOrZlib);
      for (const { key, value } of into) assert.deepEqual([String(key), String(value)], ['key', 'value']);
    });
  }

  it('is an error in compressed records too', () => {
    for (const compress of [(bytes: Buffer) => gzipSync(bytes.subarray(0, bytes.length - 1)), (bytes: Buffer) => gzipSync(bytes).subarray(0, 15)]) {
      assert.throws(() => readBatch(numbered(0, 3), { codec: 1, compress }), RangeErrorOrZlib);
    }
  });

  it('ends at any byte in an error or in records, and never without end', () => {
    const log = Buffer.concat([whole, recordBatch(numbered(2, 3)), endTransaction(5, 1, 'abort')]);
    fc.assert(
      fc.property(fc.nat({ max: log.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: 10 }), (at, byte, max) => {
        const copy = Buffer.from(log);
        copy[at] = byte;
        try {
          const batches = open(copy);
          const into: ConsumedMessage[] = [];
          for (let turns = 0; batches.take(into, max + 1) === max + 1; turns++) assert.ok(turns < 10);
          assert.equal(batches.bytesLeft, 0);
        } catch (error) {
          if ((error as Error).name === 'AssertionError') throw error;
        }
      }),
      { numRuns: 5000, seed: 7 },
    );
  });
});

function RangeErrorOrZlib(error: Error & { code?: string }): boolean {
  return error instanceof RangeError || (error.code ?? '').startsWith('Z_');
}
