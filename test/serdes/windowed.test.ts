import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import type { PrepareItem, Serde } from '../../src/serdes/serde.ts';
import { serdes } from '../../src/serdes/serdes.ts';
import { isWindowedSerde } from '../../src/serdes/windowed.ts';

describe('windowed serdes', () => {
  it('take the default key serde when they have none of their own', () => {
    for (const serde of [serdes.timeWindowed<string>(null, '10ms'), serdes.sessionWindowed<string>()]) {
      const value = { key: 'k', window: { start: 20, end: 30 } };
      assert.throws(() => serde.serialize('t', value), ConfigError);
      const resolved = serde.withDefaults(serdes.string as Serde<unknown>, undefined);
      assert.deepEqual(resolved.deserialize('t', resolved.serialize('t', value)), value);
      assert.match(resolved.name, /Windowed<string>$/);
    }
  });

  it('keep their own inner serde', () => {
    const serde = serdes.timeWindowed(serdes.long, 10);
    assert.equal(serde.withDefaults(serdes.string as Serde<unknown>, undefined), serde);
  });

  it('are partitioned by the inner key', () => {
    const serde = serdes.sessionWindowed(serdes.string);
    assert.ok(isWindowedSerde(serde));
    assert.ok(!isWindowedSerde(serdes.string));
    assert.equal(serde.serializeBaseKey('t', { key: 'k', window: { start: 1, end: 2 } }).toString(), 'k');
  });

  it('prepare the inner serde with the inner bytes', async () => {
    const seen: string[] = [];
    const inner: Serde<string> = {
      ...serdes.string,
      prepare: async (batch: readonly PrepareItem[]) => void seen.push(...batch.map((item) => item.data.toString())),
    };
    const time = serdes.timeWindowed(inner, 10);
    const session = serdes.sessionWindowed(inner);
    const value = { key: 'k', window: { start: 20, end: 30 } };
    await time.prepare?.([{ topic: 't', data: time.serialize('t', value) }]);
    await session.prepare?.([{ topic: 't', data: session.serialize('t', value) }]);
    assert.deepEqual(seen, ['k', 'k']);
    assert.equal(serdes.timeWindowed(serdes.string, 10).prepare, undefined);
  });

  it('refuse a window without size', () => {
    assert.throws(() => serdes.timeWindowed(serdes.string, 0), /must be positive/);
  });

  it('hold windows before 1970', () => {
    const serde = serdes.sessionWindowed(serdes.string);
    const value = { key: '', window: { start: -5_000_000_000, end: -1 } };
    assert.deepEqual(serde.deserialize('t', serde.serialize('t', value)), value);
  });
});
