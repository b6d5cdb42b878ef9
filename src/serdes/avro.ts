import type * as Avsc from 'avsc';
import { ConfigError } from '../errors.ts';
import { decodeFailure, encodeFailure, messageOf } from './failure.ts';
import { optionalModule } from './optional-module.ts';
import type { Serde } from './serde.ts';

/** An Avro schema as parsed JSON, or as its JSON text. */
export type AvroSchema = string | { readonly [attribute: string]: unknown } | readonly unknown[];

export interface AvroOptions {
  /** Options of avsc's `Type.forSchema`: `logicalTypes`, `wrapUnions`, `registry`, `namespace`, `typeHook`, … */
  readonly [option: string]: unknown;
}

/**
 * Values in Avro's binary encoding, without any header: both sides must know the schema. Records of a Confluent-compatible schema registry are read and written
 * by {@link avroRegistry}. Needs the package `avsc`.
 *
 * @param schema The schema to write and to read with.
 * @throws ConfigError when `avsc` is not installed or the schema is not valid.
 * @throws SerializationError when a value does not fit the schema (the message names the field), or bytes do not.
 */
export function avro<T>(schema: AvroSchema, options: AvroOptions = {}): Serde<T> {
  const type = avroType(schema, options);
  const name = `avro<${type.name ?? type.typeName}>`;
  return Object.freeze({
    name,
    serialize(topic: string, value: T): Buffer {
      try {
        return type.toBuffer(value);
      } catch (cause) {
        throw encodeFailure(name, topic, describeMisfit(type, value, cause), cause);
      }
    },
    deserialize(topic: string, data: Buffer): T {
      try {
        return type.fromBuffer(data) as T;
      } catch (cause) {
        throw decodeFailure(name, topic, messageOf(cause), cause);
      }
    },
  });
}

/** The avsc type of a schema. @internal */
export function avroType(schema: AvroSchema, options: AvroOptions = {}): Avsc.Type {
  const avsc = optionalModule<typeof Avsc>('avsc', 'serdes.avro');
  try {
    const parsed: unknown = typeof schema === 'string' && /^\s*[[{"]/.test(schema) ? JSON.parse(schema) : schema;
    return avsc.Type.forSchema(parsed as Avsc.Schema, options as Partial<Avsc.ForSchemaOptions>);
  } catch (cause) {
    throw new ConfigError(`serdes.avro: the schema is not valid: ${messageOf(cause)}`, { cause });
  }
}

/** Names the fields at fault rather than their values. @internal */
export function describeMisfit(type: Avsc.Type, value: unknown, cause: unknown): string {
  const misfits: string[] = [];
  try {
    type.isValid(value, {
      errorHook: (path, _value, expected) => misfits.push(`${path.join('.') || 'the value'} is no ${expected?.typeName ?? 'valid value'}`),
    });
  } catch {
    // A value too odd to be walked: the cause says what it can.
  }
  return misfits.length === 0 ? messageOf(cause) : misfits.join(', ');
}
