/** Stands for keys that cannot be told apart. */
const INDISTINCT = Symbol('indistinct');

/**
 * Something that is the same for equal keys, for use in a Map; never undefined. Different keys may share one, which only costs concurrency: null and undefined do,
 * and objects that look alike as JSON.
 */
export function keyIdentity(key: unknown): unknown {
  if (key === null || key === undefined) return null;
  if (typeof key !== 'object') return typeof key === 'function' ? INDISTINCT : key;
  if (key instanceof Uint8Array) return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
  try {
    return JSON.stringify(key, (_name, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? INDISTINCT;
  } catch {
    return INDISTINCT;
  }
}
