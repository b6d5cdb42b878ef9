import { SerializationError } from '../errors.ts';

/** The error of a `deserialize` that failed. Payloads are not shown: they may be confidential. */
export function decodeFailure(serde: string, topic: string, why: string, cause?: unknown): SerializationError {
  return new SerializationError(`The ${serde} serde cannot decode this record: ${why}`, { topic, cause });
}

/** The error of a `serialize` that failed. */
export function encodeFailure(serde: string, topic: string, why: string, cause?: unknown): SerializationError {
  return new SerializationError(`The ${serde} serde cannot encode this value: ${why}`, { topic, cause });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a value is, without its content. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'object') return value.constructor?.name ?? 'an object';
  return typeof value === 'number' ? `the number ${value}` : `a ${typeof value}`;
}

/** Fails unless `data` has exactly `length` bytes. */
export function checkLength(serde: string, topic: string, data: Buffer, length: number): void {
  if (data.length !== length) throw decodeFailure(serde, topic, `it has ${data.length} bytes where ${length} are expected`);
}
