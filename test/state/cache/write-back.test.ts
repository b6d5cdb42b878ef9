import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordContext } from '../../../src/processor/record-context.ts';
import { CacheEntry } from '../../../src/state/cache/record-cache.ts';
import { type CacheOwner, WriteBack } from '../../../src/state/cache/write-back.ts';
import type { StateStoreContext } from '../../../src/state/contract/context.ts';
import { type Deadline, NO_DEADLINE } from '../../../src/state/task/managed-store.ts';

type Entry = CacheEntry<number, number>;

/** A store that only notes what is flushed, and in which context. */
class Store implements CacheOwner<Entry> {
  readonly context = { recordContext: new RecordContext('in', 0, 1000, 0) } as StateStoreContext;
  readonly writeBack = new WriteBack<Entry, number, number>(this, (entry) => String(entry.key));
  readonly flushed: number[] = [];
  onFlush = (_entry: Entry): void => {};

  put(...keys: number[]): Entry[] {
    return keys.map((key) => {
      const entry: Entry = new CacheEntry(key, key, key, null);
      entry.context = new RecordContext('in', 0, key, 0);
      this.writeBack.touch(entry);
      return entry;
    });
  }

  flushCache(deadline: Deadline): boolean {
    return this.writeBack.flush(this.context, deadline);
  }

  flushEntry(entry: Entry): void {
    assert.equal(this.context.recordContext, entry.context);
    assert.equal(entry.dirty, false);
    this.flushed.push(entry.key);
    this.onFlush(entry);
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, key) => key);

test('a flush looks at its deadline every 16 entries, and goes on where it stopped', () => {
  const store = new Store();
  store.put(...upTo(40));
  assert.equal(
    store.flushCache(() => true),
    false,
  );
  assert.equal(store.flushed.length, 16);
  assert.equal(store.context.recordContext.offset, 1000);
  assert.equal(store.writeBack.dirty, true);
  assert.equal(store.flushCache(NO_DEADLINE), true);
  assert.deepEqual(store.flushed, upTo(40));
  assert.equal(store.writeBack.dirty, false);
});

test('a flush from within a flush does nothing, and what is put meanwhile is flushed by the one under way', () => {
  const store = new Store();
  store.put(1, 2);
  store.onFlush = ({ key }) => {
    if (key === 1) store.put(3);
    assert.equal(store.flushCache(NO_DEADLINE), true);
  };
  assert.equal(store.flushCache(NO_DEADLINE), true);
  assert.deepEqual(store.flushed, [1, 2, 3]);
});

test('a listener that throws leaves the record context as it was, and the rest to the next flush', () => {
  const store = new Store();
  store.put(1, 2);
  store.onFlush = () => {
    throw new Error('downstream');
  };
  assert.throws(() => store.flushCache(NO_DEADLINE), /downstream/);
  assert.equal(store.context.recordContext.offset, 1000);
  store.onFlush = () => {};
  assert.equal(store.flushCache(NO_DEADLINE), true);
  assert.deepEqual(store.flushed, [1, 2]);
});

test('an eviction flushes what was put before its entry too, and nothing after its stretch', () => {
  const store = new Store();
  const entries = store.put(...upTo(40));
  store.writeBack.flushUntilClean(entries[20] as Entry);
  assert.deepEqual(store.flushed, upTo(32));
});

test('what was removed or cleared is not flushed, and is not in a range', () => {
  const store = new Store();
  const [first] = store.put(1, 2);
  const range = () => [...store.writeBack.index.merge<never, number>([].values(), String, null, null, false, false, ({ key }) => key, Number)];
  assert.deepEqual(range(), [1, 2]);
  store.writeBack.remove(first as Entry);
  assert.deepEqual(range(), [2]);
  store.writeBack.clear();
  assert.deepEqual(range(), []);
  assert.equal(store.flushCache(NO_DEADLINE), true);
  assert.deepEqual(store.flushed, []);
});
