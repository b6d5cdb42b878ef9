import type * as Avsc from 'avsc';
import { SerializationError } from '../errors.ts';
import { type AvroOptions, type AvroSchema, avroType, describeMisfit } from './avro.ts';
import { decodeFailure, encodeFailure, messageOf } from './failure.ts';
import { RegistryError, type RegistryOptions, SchemaRegistryClient } from './registry-client.ts';
import type { PrepareItem, Serde } from './serde.ts';

const MAGIC = 0;
const HEADER_BYTES = 5;

/** Names the subject that a topic's schema is registered under. `schemaName` is the schema's full name (`namespace.Name`). */
export type SubjectStrategy = 'topic' | 'record' | 'topic-record' | ((topic: string, schemaName: string, isKey: boolean) => string);

export interface AvroRegistryOptions {
  readonly registry: RegistryOptions;
  /**
   * The schema to write with, and to read into whatever the record was written with (Avro's schema resolution). Without it the serde only reads, with each
   * record's own schema.
   */
  readonly schema?: AvroSchema;
  /**
   * Confluent's strategies: `topic` is `<topic>-key` or `<topic>-value`, `record` the schema's full name, `topic-record` both.
   * @default 'topic'
   */
  readonly subjectStrategy?: SubjectStrategy;
  /** True where the serde is used for keys; only the subject `topic` needs to know. @default false */
  readonly isKey?: boolean;
  /**
   * Topics to register the schema for besides those that the topology names, for topics chosen at run time (`to` with an extractor). @default none
   */
  readonly topics?: readonly string[];
  /** Register the schema when its subject does not have it; false: it must be there. @default true */
  readonly autoRegister?: boolean;
  /** Options of avsc's `Type.forSchema`, for the schema and for writers' schemas. */
  readonly avro?: AvroOptions;
}

/**
 * Avro with a Confluent-compatible schema registry: a zero byte, the 4-byte id of the writer's schema, Avro binary. All talking to the registry happens in
 * `prepare` (ids that are new in a batch) and `prepareEncode` (registration); encoding and decoding stay synchronous.
 * A registry that cannot be reached fails the batch, after retries; an id that it does not know fails that record alone.
 * Needs the packages `avsc` and `@kafkajs/confluent-schema-registry`.
 *
 * @example
 * const order = serdes.avroRegistry<Order>({ registry: { host: 'http://registry:8081', auth: { username, password } }, schema: orderSchema });
 * builder.stream('orders', { key: serdes.string, value: order });
 * @throws ConfigError when a package is not installed, the schema is not valid or the host is no URL.
 * @throws SerializationError when bytes are not in this format, or a value does not fit the schema.
 */
export function avroRegistry<T>(options: AvroRegistryOptions): Serde<T> {
  return new AvroRegistrySerde<T>(options);
}

/** How records of one writer's schema are read. */
interface Reader {
  readonly type: Avsc.Type;
  readonly resolver: Avsc.Type['createResolver'] extends (...args: never[]) => infer R ? R | undefined : never;
}

class AvroRegistrySerde<T> implements Serde<T> {
  readonly name: string;
  readonly #client: SchemaRegistryClient;
  readonly #type: Avsc.Type | undefined;
  readonly #schemaText: string | undefined;
  readonly #options: AvroRegistryOptions;
  readonly #readers = new Map<number, Reader>();
  readonly #unreadable = new Map<number, unknown>();
  readonly #idsByTopic = new Map<string, number>();
  readonly #idsBySubject = new Map<string, number>();
  #scratch = Buffer.allocUnsafeSlow(1024);

  constructor(options: AvroRegistryOptions) {
    this.#options = options;
    this.#client = new SchemaRegistryClient(options.registry, options.avro);
    if (options.schema !== undefined) {
      this.#type = avroType(options.schema, options.avro);
      this.#schemaText = typeof options.schema === 'string' ? options.schema : JSON.stringify(options.schema);
    }
    this.name = this.#type === undefined ? 'avroRegistry' : `avroRegistry<${this.#type.name ?? this.#type.typeName}>`;
  }

  async prepare(batch: readonly PrepareItem[]): Promise<void> {
    const unknown = new Set<number>();
    for (const { data } of batch) {
      if (data.length < HEADER_BYTES || data[0] !== MAGIC) continue;
      const id = data.readInt32BE(1);
      if (!this.#readers.has(id)) unknown.add(id);
    }
    if (unknown.size > 0) await Promise.all([...unknown].map((id) => this.#fetchReader(id)));
  }

  async prepareEncode(topics: readonly string[]): Promise<void> {
    const type = this.#type;
    if (type === undefined) return;
    for (const topic of new Set([...topics, ...(this.#options.topics ?? [])])) {
      if (this.#idsByTopic.has(topic)) continue;
      const subject = this.#subject(topic, type);
      let id = this.#idsBySubject.get(subject);
      if (id === undefined) {
        id = await this.#schemaId(subject);
        this.#idsBySubject.set(subject, id);
        this.#readers.set(id, { type, resolver: undefined });
        await this.#fetchSubject(subject);
      }
      this.#idsByTopic.set(topic, id);
    }
  }

  serialize(topic: string, value: T): Buffer {
    const type = this.#type;
    if (type === undefined) throw encodeFailure(this.name, topic, 'it was made without a schema, so it can only decode; give avroRegistry a schema');
    const id = this.#idsByTopic.get(topic);
    if (id === undefined) {
      throw encodeFailure(
        this.name,
        topic,
        'its schema was not registered for this topic before the first record; name topics that are chosen at run time in the option "topics"',
      );
    }
    let end: number;
    try {
      end = type.encode(value, this.#scratch, HEADER_BYTES);
      if (end < 0) {
        // Too small: avsc answers how many bytes are missing, negated.
        this.#scratch = Buffer.allocUnsafeSlow(2 * (this.#scratch.length - end));
        end = type.encode(value, this.#scratch, HEADER_BYTES);
      }
    } catch (cause) {
      throw encodeFailure(this.name, topic, describeMisfit(type, value, cause), cause);
    }
    this.#scratch[0] = MAGIC;
    this.#scratch.writeInt32BE(id, 1);
    const out = Buffer.allocUnsafe(end);
    this.#scratch.copy(out, 0, 0, end);
    return out;
  }

  deserialize(topic: string, data: Buffer): T {
    if (data.length < HEADER_BYTES) throw decodeFailure(this.name, topic, `it has ${data.length} bytes, fewer than the ${HEADER_BYTES} of a schema id`);
    if (data[0] !== MAGIC) throw decodeFailure(this.name, topic, `it begins with the byte ${data[0]}, not 0: it was not written with a schema registry`);
    const id = data.readInt32BE(1);
    const reader = this.#readers.get(id);
    if (reader === undefined) {
      const cause = this.#unreadable.get(id);
      if (cause === undefined) throw decodeFailure(this.name, topic, `the schema ${id} was not fetched; await prepare(batch) before decoding`);
      throw decodeFailure(this.name, topic, `the schema ${id} cannot be used: ${messageOf(cause)}`, cause);
    }
    try {
      const { value, offset } = reader.type.decode(data, HEADER_BYTES, reader.resolver);
      if (offset < 0) throw new RangeError('it ends too early');
      if (offset !== data.length) throw new RangeError(`${data.length - offset} bytes are left over`);
      return value as T;
    } catch (cause) {
      throw decodeFailure(this.name, topic, `it does not fit the schema ${id}: ${messageOf(cause)}`, cause);
    }
  }

  /** What this serde encodes may be read back from a store that earlier versions of the application wrote to: no batch announces those ids. */
  async #fetchSubject(subject: string): Promise<void> {
    let ids: readonly number[];
    try {
      ids = await this.#client.idsOf(subject);
    } catch (cause) {
      throw new SerializationError(`The ${this.name} serde cannot list what was registered before: ${messageOf(cause)}`, { cause });
    }
    await Promise.all(ids.filter((id) => !this.#readers.has(id)).map((id) => this.#fetchReader(id)));
  }

  async #fetchReader(id: number): Promise<void> {
    try {
      const writer = await this.#client.schema(id);
      const type = this.#type;
      this.#readers.set(
        id,
        type === undefined || type.equals(writer) ? { type: type ?? writer, resolver: undefined } : { type, resolver: type.createResolver(writer) },
      );
      this.#unreadable.delete(id);
    } catch (cause) {
      // A registry that is down says nothing about the record: only what it answers about the id is kept for it.
      if (cause instanceof RegistryError && !cause.aboutSchema)
        throw new SerializationError(`The ${this.name} serde cannot fetch the schema ${id}: ${cause.message}`, { cause });
      this.#unreadable.set(id, cause);
    }
  }

  async #schemaId(subject: string): Promise<number> {
    try {
      return await this.#client.schemaId(subject, this.#schemaText as string, this.#options.autoRegister ?? true);
    } catch (cause) {
      throw new SerializationError(`The ${this.name} serde cannot encode: ${messageOf(cause)}`, { cause });
    }
  }

  #subject(topic: string, type: Avsc.Type): string {
    const { subjectStrategy = 'topic', isKey = false } = this.#options;
    const name = type.name ?? type.typeName;
    if (typeof subjectStrategy === 'function') return subjectStrategy(topic, name, isKey);
    if (subjectStrategy === 'record') return name;
    if (subjectStrategy === 'topic-record') return `${topic}-${name}`;
    return `${topic}-${isKey ? 'key' : 'value'}`;
  }
}
