import { type Header, type Headers, NO_HEADERS } from '../processor/headers.ts';
import type { ConsumedMessage } from './contract.ts';

/** Headers of a consumed message in their order; a header without a value is null. */
export function messageHeaders(headers: ConsumedMessage['headers']): Headers {
  if (headers === undefined || headers.length === 0) return NO_HEADERS;
  const result: Header[] = [];
  for (const header of headers) {
    for (const [key, value] of Object.entries(header)) result.push([key, typeof value === 'string' ? Buffer.from(value) : (value ?? null)]);
  }
  return result;
}
