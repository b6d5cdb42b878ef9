import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { serdes } from '../../src/serdes/serdes.ts';
import type { VersionedKeyValueStore } from '../../src/state/contract/stores.ts';
import type { VersionedRecord } from '../../src/state/contract/values.ts';
import { Stores } from '../../src/state/stores.ts';
import type { EngineVersionedStore } from '../../src/state/versioned/versioned-store.ts';
import { Simulation } from './simulation.ts';
import { commit, Harness } from './support.ts';

const builder = (history = 50) => Stores.versionedKeyValueStoreBuilder(Stores.persistentVersionedKeyValueStore('ver', history), serdes.string, serdes.string);
const show = (record: VersionedRecord<string> | null) => (record === null ? 'null' : `${record.value}@${record.timestamp}`);

test('the versions that Kafka Streams gave', () => {
  const harness = new Harness();
  const { state, store, context } = harness.open(builder());
  const put = (key: string, value: string | null, timestamp: number) => {
    context.at(timestamp);
    const result = store.put(key, value, timestamp);
    if (timestamp % 3 === 0) commit(state);
    return result;
  };
  assert.equal(put('a', '1', 10), -1);
  assert.equal(put('a', '3', 30), -1);
  assert.equal(put('a', '2', 20), 30);
  assert.deepEqual(
    [9, 10, 19, 25].map((asOf) => show(store.getAsOf('a', asOf))),
    ['null', '1@10', '1@10', '2@20'],
  );
  assert.equal(show(store.get('a')), '3@30');
  assert.equal(show(store.delete('a', 25)), '2@20');
  assert.equal(show(store.getAsOf('a', 26)), 'null');
  assert.equal(put('a', null, 40), -1);
  assert.equal(show(store.get('a')), 'null');
  assert.equal(put('a', '2b', 20), 25);
  assert.equal(put('b', 'x', 80), -1);
  assert.equal(show(store.getAsOf('a', 29)), 'null');
  assert.equal(show(store.getAsOf('a', 30)), '3@30');
  assert.equal(put('a', 'old', 29), Number.MIN_SAFE_INTEGER);
  assert.equal(context.dropped.length, 1);
  assert.equal(put('a', 'old2', 31), 40);
  assert.equal(show(store.getAsOf('a', 31)), 'old2@31');
  assert.equal(put('b', 'y', 500), -1);
  assert.equal(show(store.get('a')), 'null');
  assert.equal(show(store.getAsOf('b', 449)), 'null');
  assert.equal(show(store.getAsOf('b', 450)), 'x@80');
  assert.deepEqual(
    [...(store as EngineVersionedStore<string, string>).versions()].map(
      ([key, { value, timestamp, validTo }]) => `${key} ${value}@${timestamp}..${validTo ?? ''}`,
    ),
    ['a 1@10..20', 'a 2b@20..25', 'a 3@30..31', 'a old2@31..40', 'b x@80..500', 'b y@500..'],
  );
  assert.ok(context.hex().includes('61 6f6c64 29'), 'what was too old to put is logged all the same');
  assert.ok(context.hex().includes('61 null 25'));
  harness.dispose();
});

test('a deletion that nothing preceded bounds what is put before it', () => {
  const harness = new Harness();
  const { store } = harness.open(builder());
  assert.equal(store.put('b', null, 45), -1);
  assert.equal(store.put('b', null, 52), -1);
  assert.equal(store.put('b', 'x', 25), 45);
  assert.equal(show(store.getAsOf('b', 30)), 'x@25');
  assert.equal(show(store.getAsOf('b', 45)), 'null');
  harness.dispose();
});

/** All versions of a key, oldest first; null is a deletion. */
type Model = Map<string, Map<number, string | null>>;

test('random puts in any order behave as a list of versions, through commits, aborts and crashes', () => {
  const HISTORY = 30_000;
  const step = fc.record({
    key: fc.constantFrom('a', 'ab', 'b'),
    time: fc.integer({ min: 0, max: 60 }).map((n) => n * 1000),
    value: fc.option(fc.constantFrom('x', 'y', 'z')),
    asOf: fc.integer({ min: 0, max: 61_000 }),
    fate: fc.constantFrom(...['none', 'none', 'none', 'none', 'commit', 'commit-unapplied', 'abort', 'crash', 'lose']),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const simulation = new Simulation<VersionedKeyValueStore<string, string>>(builder(HISTORY));
      let model: Model = new Map();
      let observed = -1;
      let committed: { model: Model; observed: number } = { model: new Map(), observed: -1 };
      const copy = () => ({ model: new Map([...model].map(([key, versions]) => [key, new Map(versions)])), observed });
      const restore = () => {
        ({ model, observed } = { model: new Map([...committed.model].map(([key, versions]) => [key, new Map(versions)])), observed: committed.observed });
      };
      try {
        for (const { key, time, value, asOf, fate } of steps) {
          const versions = model.get(key) ?? new Map<number, string | null>();
          model.set(key, versions);
          const next = Math.min(...[...versions.keys()].filter((at) => at > time));
          const late = time < observed - HISTORY;
          assert.equal(simulation.store.put(key, value, time), late ? Number.MIN_SAFE_INTEGER : Number.isFinite(next) ? next : -1);
          if (!late) {
            observed = Math.max(observed, time);
            versions.set(time, value);
          }
          const at = Math.max(...[...versions.keys()].filter((start) => start <= asOf));
          const latest = Math.max(...versions.keys());
          const beyond = asOf < observed - HISTORY && at !== latest;
          const expected = Number.isFinite(at) && !beyond && versions.get(at) !== null ? `${versions.get(at)}@${at}` : 'null';
          assert.equal(show(simulation.store.getAsOf(key, asOf)), expected);
          assert.equal(show(simulation.store.get(key)), Number.isFinite(latest) && versions.get(latest) != null ? `${versions.get(latest)}@${latest}` : 'null');
          if (fate === 'commit' || fate === 'commit-unapplied') {
            simulation.commit(fate === 'commit');
            committed = copy();
          } else if (fate === 'abort') {
            simulation.abort(true);
            restore();
          } else if (fate === 'crash') {
            simulation.crash();
            restore();
          } else if (fate === 'lose') {
            simulation.lose();
            restore();
          }
        }
      } finally {
        simulation.dispose();
      }
    }),
    { numRuns: 25, seed: 17 },
  );
});
