/*
 * MurmurHash3, x64, 128 bits (Austin Appleby, public domain), with the seed that Hive, and after it Kafka Streams, uses.
 * 64-bit words are pairs of 32-bit halves: BigInt arithmetic is many times slower.
 */

const SEED = 104729;

const C1_HIGH = 0x87c37b91;
const C1_LOW = 0x114253d5;
const C2_HIGH = 0x4cf5ad43;
const C2_LOW = 0x2745937f;

/** Result of the last 64-bit operation. */
let high = 0;
let low = 0;

/** Hash of the bytes: 16 bytes, the two words big-endian, as subscriptions carry it. */
export function murmur3Hash128(data: Buffer): Buffer {
  let h1High = 0;
  let h1Low = SEED;
  let h2High = 0;
  let h2Low = SEED;
  const blocksEnd = data.length - (data.length % 16);

  for (let at = 0; at < blocksEnd; at += 16) {
    mixK1(data.readInt32LE(at + 4), data.readInt32LE(at));
    rotate(h1High ^ high, h1Low ^ low, 27);
    add(high, low, h2High, h2Low);
    timesFivePlus(0x52dce729);
    h1High = high;
    h1Low = low;

    mixK2(data.readInt32LE(at + 12), data.readInt32LE(at + 8));
    rotate(h2High ^ high, h2Low ^ low, 31);
    add(high, low, h1High, h1Low);
    timesFivePlus(0x38495ab5);
    h2High = high;
    h2Low = low;
  }

  if (data.length > blocksEnd) {
    const tail = Buffer.alloc(16);
    data.copy(tail, 0, blocksEnd);
    // Words of nothing but padding hash to 0 and change nothing.
    mixK2(tail.readInt32LE(12), tail.readInt32LE(8));
    h2High ^= high;
    h2Low ^= low;
    mixK1(tail.readInt32LE(4), tail.readInt32LE(0));
    h1High ^= high;
    h1Low ^= low;
  }

  add(h1High, h1Low ^ data.length, h2High, h2Low ^ data.length);
  h1High = high;
  h1Low = low;
  add(h2High, h2Low ^ data.length, h1High, h1Low);
  h2High = high;
  h2Low = low;
  finalMix(h1High, h1Low);
  h1High = high;
  h1Low = low;
  finalMix(h2High, h2Low);
  h2High = high;
  h2Low = low;
  add(h1High, h1Low, h2High, h2Low);
  h1High = high;
  h1Low = low;
  add(h2High, h2Low, h1High, h1Low);

  const hash = Buffer.allocUnsafe(16);
  hash.writeInt32BE(h1High, 0);
  hash.writeInt32BE(h1Low, 4);
  hash.writeInt32BE(high, 8);
  hash.writeInt32BE(low, 12);
  return hash;
}

function mixK1(kHigh: number, kLow: number): void {
  multiply(kHigh, kLow, C1_HIGH, C1_LOW);
  rotate(high, low, 31);
  multiply(high, low, C2_HIGH, C2_LOW);
}

function mixK2(kHigh: number, kLow: number): void {
  multiply(kHigh, kLow, C2_HIGH, C2_LOW);
  rotate(high, low, 33);
  multiply(high, low, C1_HIGH, C1_LOW);
}

function timesFivePlus(constant: number): void {
  multiply(high, low, 0, 5);
  add(high, low, 0, constant);
}

function finalMix(h: number, l: number): void {
  multiply(h, l ^ (h >>> 1), 0xff51afd7, 0xed558ccd);
  multiply(high, low ^ (high >>> 1), 0xc4ceb9fe, 0x1a85ec53);
  low ^= high >>> 1;
}

function add(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  const sum = (aLow >>> 0) + (bLow >>> 0);
  high = (aHigh + bHigh + (sum > 0xffffffff ? 1 : 0)) | 0;
  low = sum | 0;
}

/** Rotate left. */
function rotate(h: number, l: number, bits: number): void {
  let first = h;
  let second = l;
  let by = bits;
  if (by >= 32) {
    first = l;
    second = h;
    by -= 32;
  }
  if (by === 0) {
    high = first;
    low = second;
    return;
  }
  high = (first << by) | (second >>> (32 - by));
  low = (second << by) | (first >>> (32 - by));
}

function multiply(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  const a0 = aLow & 0xffff;
  const a1 = aLow >>> 16;
  const b0 = bLow & 0xffff;
  const b1 = bLow >>> 16;
  const p00 = a0 * b0;
  const middle = a0 * b1 + (p00 >>> 16);
  const middle2 = a1 * b0 + (middle & 0xffff);
  low = (middle2 << 16) | (p00 & 0xffff);
  high = (a1 * b1 + (middle >>> 16) + (middle2 >>> 16) + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0;
}
