const FIRST_BITS = 1 << 16;
const LAST_BITS = 1 << 25;
const BITS_A_KEY = 10;
const PROBES = 4;

/**
 * A Bloom filter of the keys that a table has ever held: a "no" saves a read that would find nothing. It grows by further filters, each twice as large as the one before
 * (Almeida et al., "Scalable Bloom Filters", 2007), to about 6 million keys and 8 MiB; beyond that it knows nothing, and says "maybe" to all.
 * About 1 in 100 unknown keys is a "maybe".
 */
export class KeyFilter {
  #filters: Uint32Array[] = [new Uint32Array(FIRST_BITS / 32)];
  #bits = FIRST_BITS;
  #count = 0;

  /** The first `length` units of `id`. */
  add(id: string, length: number): void {
    if (this.#filters.length === 0 || this.mayHold(id, length)) return;
    if (this.#count >= this.#bits / BITS_A_KEY) {
      if (this.#bits >= LAST_BITS) {
        this.#filters = [];
        return;
      }
      this.#bits *= 2;
      this.#count = 0;
      this.#filters.push(new Uint32Array(this.#bits / 32));
    }
    this.#count++;
    const filter = this.#filters[this.#filters.length - 1] as Uint32Array;
    const mask = this.#bits - 1;
    let hash = hashOf(id, length);
    const step = stepOf(hash);
    for (let i = 0; i < PROBES; i++) {
      const bit = hash & mask;
      filter[bit >>> 5] = (filter[bit >>> 5] as number) | (1 << (bit & 31));
      hash = (hash + step) | 0;
    }
  }

  /** False: certainly never added. */
  mayHold(id: string, length: number): boolean {
    const filters = this.#filters;
    if (filters.length === 0) return true;
    const first = hashOf(id, length);
    const step = stepOf(first);
    // The newest is the largest, and holds most keys.
    for (let at = filters.length - 1; at >= 0; at--) {
      const filter = filters[at] as Uint32Array;
      const mask = filter.length * 32 - 1;
      let hash = first;
      let probes = 0;
      for (; probes < PROBES; probes++) {
        const bit = hash & mask;
        if (((filter[bit >>> 5] as number) & (1 << (bit & 31))) === 0) break;
        hash = (hash + step) | 0;
      }
      if (probes === PROBES) return true;
    }
    return false;
  }
}

/** FNV-1a, then mixed as murmur3 does at its end: FNV's low bits alone are too alike. */
function hashOf(id: string, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function stepOf(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) | 1;
}
