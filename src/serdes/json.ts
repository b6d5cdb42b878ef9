import { decodeFailure, encodeFailure, kindOf, messageOf } from './failure.ts';
import type { Serde } from './serde.ts';

export interface JsonOptions<T> {
  /** As the second argument of `JSON.parse`, for example to revive dates. It slows decoding down severalfold. */
  reviver?: (this: unknown, key: string, value: unknown) => unknown;
  /** As the second argument of `JSON.stringify`. */
  replacer?: (this: unknown, key: string, value: unknown) => unknown;
  /**
   * Checks what was decoded, and may transform it: `validate: schema.parse` of a validation library fits. What it throws becomes the `cause` of a
   * {@link SerializationError}, so bad records are handled by the deserialization exception handler.
   */
  validate?: (value: unknown) => T;
}

/**
 * Values as JSON in UTF-8. Without `validate` the type is trusted, not checked.
 *
 * @example
 * builder.stream('orders', { key: serdes.string, value: serdes.json<Order>() });
 * @throws SerializationError when the bytes are no JSON, when `validate` refuses the value, or when a value has no JSON form (undefined, a bigint, a cycle).
 */
export function json<T>(options: JsonOptions<T> = {}): Serde<T> {
  const { reviver, replacer, validate } = options;
  return Object.freeze({
    name: 'json',
    serialize(topic: string, value: T): Buffer {
      let text: string | undefined;
      try {
        text = JSON.stringify(value, replacer);
      } catch (cause) {
        throw encodeFailure('json', topic, messageOf(cause), cause);
      }
      if (text === undefined) throw encodeFailure('json', topic, `${kindOf(value)} has no JSON form`);
      return Buffer.from(text);
    },
    deserialize(topic: string, data: Buffer): T {
      let value: unknown;
      try {
        value = reviver === undefined ? JSON.parse(data.toString()) : JSON.parse(data.toString(), reviver);
      } catch (cause) {
        // The parser's own message quotes the payload; it stays in the cause.
        throw decodeFailure('json', topic, `its ${data.length} bytes are not valid JSON`, cause);
      }
      if (validate === undefined) return value as T;
      try {
        return validate(value);
      } catch (cause) {
        throw decodeFailure('json', topic, 'validate() refused it', cause);
      }
    },
  });
}
