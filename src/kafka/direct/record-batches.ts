import { gunzipSync } from 'node:zlib';
import type { ConsumedMessage } from '../contract.ts';
import { NeedsNativeClient } from './needs-native-client.ts';
import type { AbortedTransaction, Isolation } from './requests.ts';
import { readInt64 } from './wire.ts';

/* Layout of a record batch (magic 2), https://kafka.apache.org/documentation/#recordbatch */
const BATCH_LENGTH = 8;
const LEADER_EPOCH = 12;
const MAGIC = 16;
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const BASE_TIMESTAMP = 27;
const MAX_TIMESTAMP = 35;
const PRODUCER_ID = 43;
const RECORD_COUNT = 57;
const RECORDS = 61;
/** What the length of a batch does not count: its base offset and itself. */
const LENGTH_OVERHEAD = 12;

const COMPRESSION = 0x07;
const GZIP = 1;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** Of a control record's key: version, then type. */
const CONTROL_TYPE = 2;
const ABORT = 0;

/**
 * The records of one partition in one fetch response, decoded as they are asked for: a response may hold many thousands. Keys and values are views of the response.
 *
 * Under read_committed records of aborted transactions are left out, as brokers expect their consumers to do: the response names the producers and where each of their
 * transactions begins; a control record in the log is where it ends.
 */
export class RecordBatches {
  /** Offset of the next record to be taken, or a lower one. */
  nextOffset: number;
  /** Behind the last record: where the next fetch goes on. */
  readonly endOffset: number;
  /** Of the leader under whom the last of them was written; -1 when there is none. */
  readonly lastEpoch: number;
  readonly #topic: string;
  readonly #partition: number;
  /** Whole batches. */
  readonly #records: Buffer;
  readonly #aborted: AbortedTransaction[];
  readonly #committedOnly: boolean;
  /** Producers whose transaction, aborted later, has begun. */
  readonly #aborting = new Set<number>();
  /** Of the next batch. */
  #batchAt = 0;
  /** Of the batch under way. */
  #buffer: Buffer;
  #at = 0;
  /** Where its records end. */
  #end = 0;
  #left = 0;
  #baseOffset = 0;
  #batchEnd = 0;
  #baseTimestamp = 0;
  #appendTime = -1;

  /**
   * `from`: a batch may begin before the offset that was asked for.
   *
   * @throws NeedsNativeClient for compressions other than gzip and for the formats of before Kafka 0.11; RangeError when there is no whole batch
   */
  constructor(topic: string, partition: number, from: number, records: Buffer, aborted: readonly AbortedTransaction[], isolation: Isolation) {
    this.#topic = topic;
    this.#partition = partition;
    this.nextOffset = from;
    const { bytes, endOffset, lastEpoch } = wholeBatches(records, from);
    // Brokers cut off none but the last of several: asking again would bring the same.
    if (bytes === 0 && records.length > 0) throw new RangeError(`no whole batch in ${records.length} bytes`);
    // A broker may cut the last one off.
    this.#records = records.subarray(0, bytes);
    this.#buffer = this.#records;
    this.endOffset = endOffset;
    this.lastEpoch = lastEpoch;
    this.#aborted = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
    this.#committedOnly = isolation === 'read_committed';
  }

  /** Append up to `max` records. Returns how many: fewer when there are no more. @throws when the bytes make no sense; nothing can be taken any more then */
  take(into: ConsumedMessage[], max: number): number {
    let taken = 0;
    while (taken < max) {
      if (this.#left === 0 && !this.#nextBatch()) break;
      if (this.#readRecord(into)) taken++;
      if (this.#left === 0) this.#endBatch();
    }
    return taken;
  }

  /** Bytes of the batches that were not begun. */
  get bytesLeft(): number {
    return this.#records.length - this.#batchAt;
  }

  /** Move to the next batch with records to hand out. */
  #nextBatch(): boolean {
    const log = this.#records;
    for (;;) {
      const at = this.#batchAt;
      if (at === log.length) return false;
      const end = at + LENGTH_OVERHEAD + log.readInt32BE(at + BATCH_LENGTH);
      this.#batchAt = end;
      const attributes = log.readInt16BE(at + ATTRIBUTES);
      const baseOffset = readInt64(log, at);
      this.#baseOffset = baseOffset;
      this.#batchEnd = baseOffset + log.readInt32BE(at + LAST_OFFSET_DELTA) + 1;
      const count = log.readInt32BE(at + RECORD_COUNT);
      if (count < 0) throw new RangeError(`a batch of ${count} records`);
      // Also where the batch lies before the offset that was asked for: it may end a transaction.
      const hidden = count === 0 || this.#hidden(at, attributes);
      if (hidden || this.#batchEnd <= this.nextOffset) {
        this.nextOffset = Math.max(this.nextOffset, this.#batchEnd);
        continue;
      }
      this.#baseTimestamp = readInt64(log, at + BASE_TIMESTAMP);
      this.#appendTime = (attributes & LOG_APPEND_TIME) === 0 ? -1 : readInt64(log, at + MAX_TIMESTAMP);
      this.#open(at + RECORDS, end, attributes & COMPRESSION);
      this.#left = count;
      return true;
    }
  }

  #open(start: number, end: number, codec: number): void {
    const packed = codec === GZIP;
    this.#buffer = packed ? gunzipSync(this.#records.subarray(start, end)) : this.#records;
    this.#at = packed ? 0 : start;
    this.#end = packed ? this.#buffer.length : end;
  }

  #endBatch(): void {
    if (this.#at !== this.#end) throw new RangeError(`${this.#end - this.#at} bytes behind the last record of a batch`);
    this.nextOffset = this.#batchEnd;
  }

  /** Control records, and what was aborted. */
  #hidden(at: number, attributes: number): boolean {
    const producerId = readInt64(this.#records, at + PRODUCER_ID);
    if (this.#committedOnly) {
      while (this.#aborted.length > 0 && (this.#aborted[0] as AbortedTransaction).firstOffset < this.#batchEnd) {
        this.#aborting.add((this.#aborted.shift() as AbortedTransaction).producerId);
      }
    }
    if ((attributes & CONTROL) !== 0) {
      if (this.#committedOnly && this.#controlType(at) === ABORT) this.#aborting.delete(producerId);
      return true;
    }
    return this.#committedOnly && (attributes & TRANSACTIONAL) !== 0 && this.#aborting.has(producerId);
  }

  #controlType(at: number): number {
    this.#buffer = this.#records;
    this.#at = at + RECORDS;
    this.#varint();
    this.#at++;
    this.#varint();
    this.#varint();
    this.#varint();
    return this.#buffer.readInt16BE(this.#at + CONTROL_TYPE);
  }

  /** False for a record before the offset that was asked for. */
  #readRecord(into: ConsumedMessage[]): boolean {
    this.#left--;
    const length = this.#varint();
    const next = this.#at + length;
    if (length <= 0 || next > this.#end) throw new RangeError(`a record of ${length} bytes where ${this.#end - this.#at} are left`);
    this.#at++;
    const timestamp = this.#baseTimestamp + this.#varint();
    const offset = this.#baseOffset + this.#varint();
    if (offset < this.nextOffset) {
      this.#at = next;
      return false;
    }
    const key = this.#field();
    const value = this.#field();
    const headerCount = this.#varint();
    const headers = headerCount === 0 ? undefined : this.#headers(headerCount, next);
    if (this.#at !== next) throw new RangeError(`the record at offset ${offset} has not the length that it says`);
    const message = {
      topic: this.#topic,
      partition: this.#partition,
      offset,
      key,
      value,
      timestamp: this.#appendTime === -1 ? timestamp : this.#appendTime,
    };
    into.push(headers === undefined ? message : { ...message, headers });
    this.nextOffset = offset + 1;
    return true;
  }

  #headers(count: number, end: number): { [key: string]: Buffer | null }[] {
    if (count < 0 || count > end - this.#at) throw new RangeError(`${count} headers in ${end - this.#at} bytes`);
    const headers: { [key: string]: Buffer | null }[] = [];
    for (let i = 0; i < count; i++) {
      const name = this.#field()?.toString() ?? '';
      const value = this.#field();
      // Headers are kept beside results and in stores, for long: not as views of a whole response.
      headers.push({ [name]: value === null ? null : Buffer.from(value) });
    }
    return headers;
  }

  #field(): Buffer | null {
    const length = this.#varint();
    if (length < 0) return null;
    const start = this.#at;
    this.#at = start + length;
    return this.#buffer.subarray(start, start + length);
  }

  /** A zigzag number, exact up to 53 bits. */
  #varint(): number {
    const buffer = this.#buffer;
    let byte = buffer[this.#at++] as number;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let low = byte & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      byte = buffer[this.#at++] as number;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    let value = low;
    let scale = 0x1000_0000;
    do {
      byte = buffer[this.#at++] as number;
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    } while (byte >= 0x80);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

/** Looks at each batch's head: how many bytes whole ones take, and where the last of them ends. */
function wholeBatches(log: Buffer, from: number): { readonly bytes: number; readonly endOffset: number; readonly lastEpoch: number } {
  let endOffset = from;
  let lastEpoch = -1;
  let at = 0;
  while (at + MAGIC < log.length) {
    // First: an old message is shorter than the head of a batch.
    if (log[at + MAGIC] !== 2) throw new NeedsNativeClient(`records in the format of before Kafka 0.11 (magic ${log[at + MAGIC]})`);
    if (at + RECORDS > log.length) break;
    const end = at + LENGTH_OVERHEAD + log.readInt32BE(at + BATCH_LENGTH);
    if (end > log.length) break;
    if (end < at + RECORDS) throw new RangeError(`a batch of ${end - at} bytes`);
    const codec = log.readInt16BE(at + ATTRIBUTES) & COMPRESSION;
    if (codec > GZIP) throw new NeedsNativeClient(`records compressed with ${CODECS[codec] ?? `codec ${codec}`}`);
    endOffset = Math.max(endOffset, readInt64(log, at) + log.readInt32BE(at + LAST_OFFSET_DELTA) + 1);
    lastEpoch = log.readInt32BE(at + LEADER_EPOCH);
    at = end;
  }
  return { bytes: at, endOffset, lastEpoch };
}
