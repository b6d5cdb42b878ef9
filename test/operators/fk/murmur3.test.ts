import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur3Hash128 } from '../../../src/operators/fk/murmur3.ts';

test('hashes that Kafka Streams has sent', () => {
  assert.equal(murmur3Hash128(Buffer.from('f1')).toString('hex'), '6c97e18d1adb49629dacecb4a42754c1');
  assert.equal(murmur3Hash128(Buffer.from('f2')).toString('hex'), 'c4821d627352adc1515e372ed2f8a895');
});

test('every length agrees with the algorithm in 64-bit arithmetic', () => {
  for (let length = 0; length < 70; length++) {
    for (const factor of [1, 37, 251]) {
      const data = Buffer.from(Array.from({ length }, (_, i) => (i * factor + 200) & 0xff));
      assert.equal(murmur3Hash128(data).toString('hex'), reference(data), `length ${length}`);
    }
  }
});

/** MurmurHash3_x64_128 word for word, over BigInt. */
function reference(data: Buffer): string {
  const c1 = 0x87c37b91114253d5n;
  const c2 = 0x4cf5ad432745937fn;
  const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);
  const rotl = (n: bigint, by: bigint): bigint => u64((n << by) | (n >> (64n - by)));
  const mix = (h: bigint): bigint => {
    let k = h ^ (h >> 33n);
    k = u64(k * 0xff51afd7ed558ccdn);
    k ^= k >> 33n;
    k = u64(k * 0xc4ceb9fe1a85ec53n);
    return k ^ (k >> 33n);
  };
  const k1Of = (word: bigint): bigint => u64(rotl(u64(word * c1), 31n) * c2);
  const k2Of = (word: bigint): bigint => u64(rotl(u64(word * c2), 33n) * c1);
  let h1 = 104729n;
  let h2 = 104729n;
  const blocks = Math.floor(data.length / 16);
  for (let i = 0; i < blocks; i++) {
    h1 = u64(u64(rotl(h1 ^ k1Of(data.readBigUInt64LE(i * 16)), 27n) + h2) * 5n + 0x52dce729n);
    h2 = u64(u64(rotl(h2 ^ k2Of(data.readBigUInt64LE(i * 16 + 8)), 31n) + h1) * 5n + 0x38495ab5n);
  }
  const tail = Buffer.alloc(16);
  data.copy(tail, 0, blocks * 16);
  h2 ^= k2Of(tail.readBigUInt64LE(8));
  h1 ^= k1Of(tail.readBigUInt64LE(0));
  h1 ^= BigInt(data.length);
  h2 ^= BigInt(data.length);
  h1 = u64(h1 + h2);
  h2 = u64(h2 + h1);
  h1 = mix(h1);
  h2 = mix(h2);
  h1 = u64(h1 + h2);
  h2 = u64(h2 + h1);
  return h1.toString(16).padStart(16, '0') + h2.toString(16).padStart(16, '0');
}
