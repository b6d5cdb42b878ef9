import { SortedMap, type SortedEntry } from '../engine/sorted-map.ts';

/** One buffered write: the latest of its key in an interval. */
export class BufferedWrite implements SortedEntry {
  readonly id: string;
  readonly key: Buffer;
  /** Null: the key is deleted. */
  value: Buffer | null;
  timestamp: number;
  /** The decoded value, so that reads in the same interval need not decode it. */
  object: unknown;
  born = 0;

  constructor(id: string, key: Buffer, value: Buffer | null, timestamp: number, object: unknown) {
    this.id = id;
    this.key = key;
    this.value = value;
    this.timestamp = timestamp;
    this.object = object;
  }
}

/** JavaScript's own cost of a buffered write: map slot, objects, string and buffer headers. Part of what bounds uncommitted memory. */
const ENTRY_OVERHEAD = 240;

/** The writes of one commit interval to one table. */
export class WriteLayer extends SortedMap<BufferedWrite> {
  bytes = 0;

  write(id: string, key: Buffer, value: Buffer | null, timestamp: number, object: unknown): void {
    const before = this.get(id);
    const size = value === null ? 0 : value.length;
    if (before === undefined) {
      this.bytes += ENTRY_OVERHEAD + key.length + size;
      this.set(new BufferedWrite(id, key, value, timestamp, object));
      return;
    }
    this.bytes += size - (before.value === null ? 0 : before.value.length);
    before.value = value;
    before.timestamp = timestamp;
    before.object = object;
  }
}
