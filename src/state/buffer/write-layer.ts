import { type SortedEntry, SortedMap } from '../engine/sorted-map.ts';

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

const NONE: readonly BufferedWrite[] = [];

/** The writes of one commit interval to one table. */
export class WriteLayer extends SortedMap<BufferedWrite> {
  bytes = 0;
  /** Writes by the key in front of the suffix, once asked for. */
  #groups: Map<string, BufferedWrite[]> | null = null;
  #suffix = 0;

  /** The writes of one base key (the id without its last `suffix` bytes), in no particular order. */
  ofBase(baseId: string, suffix: number): readonly BufferedWrite[] {
    if (this.#groups === null) {
      this.#groups = new Map();
      this.#suffix = suffix;
      for (const write of this.values()) this.#group(this.#groups, write);
    }
    return this.#groups.get(baseId) ?? NONE;
  }

  #group(groups: Map<string, BufferedWrite[]>, write: BufferedWrite): void {
    const base = write.id.slice(0, write.id.length - this.#suffix);
    const group = groups.get(base);
    if (group === undefined) groups.set(base, [write]);
    else group.push(write);
  }

  write(id: string, key: Buffer, value: Buffer | null, timestamp: number, object: unknown): void {
    const before = this.get(id);
    const size = value === null ? 0 : value.length;
    if (before === undefined) {
      this.bytes += ENTRY_OVERHEAD + key.length + size;
      const write = new BufferedWrite(id, key, value, timestamp, object);
      this.set(write);
      if (this.#groups !== null) this.#group(this.#groups, write);
      return;
    }
    this.bytes += size - (before.value === null ? 0 : before.value.length);
    before.value = value;
    before.timestamp = timestamp;
    before.object = object;
  }
}
