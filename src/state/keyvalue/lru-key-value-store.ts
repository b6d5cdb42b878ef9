import { keyId } from '../bytes.ts';
import type { ChangelogRecord } from '../contract/task-state.ts';
import type { FrozenStore } from '../task/managed-store.ts';
import { EngineKeyValueStore, type KeyValueSettings } from './key-value-store.ts';

/** An in-memory store of at most so many keys. The key that was read or put longest ago goes, with a tombstone in the changelog, when one too many is put. */
export class LruKeyValueStore<K, V, T> extends EngineKeyValueStore<K, V, T> {
  readonly #maxEntries: number;
  /** Keys by their last use, oldest first. */
  #uses = new Map<string, Buffer>();
  /** The same at the last commit, for an abort. */
  #committed = new Map<string, Buffer>();

  constructor(settings: KeyValueSettings<K, V, T>, maxEntries: number) {
    super(settings);
    this.#maxEntries = maxEntries;
  }

  override approximateNumEntries(): number {
    return this.#uses.size;
  }

  override freeze(): FrozenStore | null {
    const frozen = super.freeze();
    if (frozen === null) return null;
    const uses = new Map(this.#uses);
    return {
      bytes: frozen.bytes,
      write: (deadline) => frozen.write(deadline),
      applied: () => {
        frozen.applied();
        this.#committed = uses;
      },
      dropped: () => frozen.dropped(),
    };
  }

  override discard(): void {
    super.discard();
    this.#uses = new Map(this.#committed);
  }

  override restore(records: readonly ChangelogRecord[]): void {
    super.restore(records);
    for (const record of records) {
      const id = keyId(record.key);
      this.#uses.delete(id);
      if (record.value !== null) this.#uses.set(id, record.key);
    }
    // Java puts restored records as it puts others: the oldest give way, without a tombstone.
    for (const [id, key] of this.#uses) {
      if (this.#uses.size <= this.#maxEntries) break;
      this.#uses.delete(id);
      this.table.engineTable.delete(id, key);
    }
    this.#committed = new Map(this.#uses);
  }

  override cleared(): void {
    super.cleared();
    this.#uses.clear();
    this.#committed.clear();
  }

  protected override read(id: string, bytes: Buffer): T | null {
    const value = super.read(id, bytes);
    if (value !== null) this.#use(id, bytes);
    return value;
  }

  protected override write(id: string, bytes: Buffer, value: T | null): number {
    if (value === null) {
      this.#uses.delete(id);
    } else {
      this.#use(id, bytes);
      for (const [oldest, key] of this.#uses) {
        if (this.#uses.size <= this.#maxEntries) break;
        this.#uses.delete(oldest);
        super.write(oldest, key, null);
      }
    }
    return super.write(id, bytes, value);
  }

  #use(id: string, bytes: Buffer): void {
    this.#uses.delete(id);
    this.#uses.set(id, bytes);
  }
}
