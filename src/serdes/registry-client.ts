import { setTimeout as sleep } from 'node:timers/promises';
import type { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import type * as Avsc from 'avsc';
import { ConfigError } from '../errors.ts';
import { type Duration, toMillis } from '../time.ts';
import type { AvroOptions } from './avro.ts';
import { messageOf } from './failure.ts';
import { optionalModule } from './optional-module.ts';

const MAX_DELETED_VERSIONS = 100;

type RegistryModule = { SchemaRegistry: typeof SchemaRegistry; SchemaType: typeof SchemaType };
type ClientArguments = ConstructorParameters<typeof SchemaRegistry>[0];

export interface RegistryOptions {
  /** For example `https://registry:8081`. A user and password in it are used as `auth`, and never shown. */
  readonly host: string;
  readonly auth?: { readonly username: string; readonly password: string };
  /** Attempts after the first, for answers 408, 429 and 5xx and for a registry that is not reached. @default 5 */
  readonly retries?: number;
  /** Pause before the first retry; it doubles each time, up to 30 times this. @default '100ms' */
  readonly retryBackoff?: Duration;
  /** For one request. @default '10s' */
  readonly requestTimeout?: Duration;
}

/** The registry failed. `aboutSchema`: it answered, and the answer concerns that schema alone. */
export class RegistryError extends Error {
  readonly aboutSchema: boolean;

  constructor(message: string, aboutSchema: boolean, cause: unknown) {
    super(message, { cause });
    this.name = 'RegistryError';
    this.aboutSchema = aboutSchema;
  }
}

/** A schema registry with retries, a timeout and errors that say what to do; never credentials. */
export class SchemaRegistryClient {
  readonly #registry: SchemaRegistry;
  readonly #avroSchemaType: SchemaType.AVRO;
  readonly #shownHost: string;
  readonly #retries: number;
  readonly #backoffMs: number;

  constructor(options: RegistryOptions, avroOptions: AvroOptions | undefined) {
    const { host, auth } = splitHost(options);
    const module = optionalModule<RegistryModule>('@kafkajs/confluent-schema-registry', 'serdes.avroRegistry');
    const timeoutMs = toMillis(options.requestTimeout ?? '10s', 'avroRegistry requestTimeout');
    this.#shownHost = host;
    this.#retries = options.retries ?? 5;
    this.#backoffMs = toMillis(options.retryBackoff ?? 100, 'avroRegistry retryBackoff');
    this.#avroSchemaType = module.SchemaType.AVRO as SchemaType.AVRO;
    this.#registry = new module.SchemaRegistry(
      {
        host,
        clientId: 'millrace',
        ...(auth && { auth: { ...auth } }),
        // The client retries GET alone; one policy for all calls is ours, below.
        retry: { retries: 0 },
        middlewares: [withTimeout(timeoutMs)],
      },
      avroOptions === undefined ? undefined : ({ [module.SchemaType.AVRO]: avroOptions } as ConstructorParameters<typeof SchemaRegistry>[1]),
    );
  }

  /** The writer's schema of an id. */
  async schema(id: number): Promise<Avsc.Type> {
    const schema = await this.#call(`schema ${id}`, () => this.#registry.getSchema(id));
    if (!('createResolver' in schema)) throw new RegistryError(`schema ${id} of ${this.#shownHost} is not an Avro schema`, true, undefined);
    return schema as unknown as Avsc.Type;
  }

  /** The id of a schema under a subject, registering it there when it is missing and `register` is true. */
  async schemaId(subject: string, schema: string, register: boolean): Promise<number> {
    const confluentSchema = { type: this.#avroSchemaType, schema };
    if (!register) return this.#call(`the schema of subject ${subject}`, () => this.#registry.getRegistryIdBySchema(subject, confluentSchema));
    return this.#call(`registering the schema of subject ${subject}`, async () => (await this.#register(subject, confluentSchema)).id);
  }

  /** The ids of all versions of a subject, oldest first. */
  async idsOf(subject: string): Promise<number[]> {
    const latest = await this.#call(`the latest schema of subject ${subject}`, () => this.#registry.getLatestSchemaId(subject));
    const ids: number[] = [];
    // The client cannot list versions: they are counted up to the latest, over those that were deleted.
    for (let version = 1, missing = 0; ids.at(-1) !== latest && missing <= MAX_DELETED_VERSIONS; version++) {
      try {
        ids.push(await this.#call(`version ${version} of subject ${subject}`, () => this.#registry.getRegistryId(subject, version)));
      } catch (error) {
        if (!(error instanceof RegistryError) || !error.aboutSchema) throw error;
        missing++;
      }
    }
    return ids;
  }

  /**
   * The client insists on knowing the subject's compatibility level: it refuses to register when the subject has another one than was given, and sets it on a subject that has none.
   * Levels are the registry's business: none is given, and what a subject has is taken from the refusal.
   */
  async #register(subject: string, schema: { type: SchemaType.AVRO; schema: string }): Promise<{ id: number }> {
    const given = { subject, compatibility: undefined };
    try {
      return await this.#registry.register(schema, given);
    } catch (error) {
      const level = error instanceof Error && error.name === 'ConfluentSchemaRegistryCompatibilityError' ? /!= (\w+)\)/.exec(error.message)?.[1] : undefined;
      if (level === undefined) throw error;
      return await this.#registry.register(schema, { ...given, compatibility: level as never });
    }
  }

  async #call<R>(what: string, request: () => Promise<R>): Promise<R> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await request();
      } catch (error) {
        const status = statusOf(error);
        const again = status === undefined ? isTransport(error) : status === 408 || status === 429 || status >= 500;
        if (!again || attempt >= this.#retries) throw this.#failure(what, error, status, attempt + 1);
        // Full jitter keeps the instances of a service from asking in step.
        await sleep(Math.random() * Math.min(this.#backoffMs * 2 ** attempt, this.#backoffMs * 30));
      }
    }
  }

  #failure(what: string, error: unknown, status: number | undefined, attempts: number): RegistryError {
    const where = `${what}, schema registry ${this.#shownHost}`;
    const answer = messageOf(error).replace(/^millrace - (Error, status 400: )?/, '');
    if (status === 401 || status === 403) return new RegistryError(`${where}: access refused (${status}); check registry.auth`, false, error);
    if (status === 404) return new RegistryError(`${where}: it does not exist there (404: ${answer})`, true, error);
    if (status === 409 || status === 422) return new RegistryError(`${where}: the registry refuses the schema (${status}: ${answer})`, true, error);
    if (status !== undefined) return new RegistryError(`${where}: answer ${status} after ${attempts} attempts: ${answer}`, false, error);
    if (isTransport(error)) return new RegistryError(`${where}: not reached after ${attempts} attempts: ${answer}`, false, error);
    return new RegistryError(`${where}: ${answer}`, true, error);
  }
}

/** Status that the registry answered with; undefined when it answered nothing. */
function statusOf(error: unknown): number | undefined {
  // The client's lookup of a schema under a subject hides the 404 behind this error.
  if (error instanceof Error && error.name === 'ConfluentSchemaRegistryError') return 404;
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' && !isTransport(error) ? status : undefined;
}

/** Refused, reset, timed out: the HTTP client makes it a 400 of its own, whose body is the system's message instead of the registry's JSON. */
function isTransport(error: unknown): boolean {
  return error instanceof Error && error.name === 'ResponseError' && error.message.startsWith('millrace - Error, status 400: ');
}

function splitHost({ host, auth }: RegistryOptions): { host: string; auth: RegistryOptions['auth'] } {
  let url: URL;
  try {
    url = new URL(host);
  } catch {
    throw new ConfigError('avroRegistry: registry.host is not a URL: give one such as https://registry:8081');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new ConfigError(`avroRegistry: registry.host has the scheme ${url.protocol} where http: or https: is allowed`);
  const inUrl = url.username === '' ? undefined : { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  url.username = '';
  url.password = '';
  return { host: url.href.replace(/\/$/, ''), auth: auth ?? inUrl };
}

function withTimeout(timeoutMs: number): NonNullable<ClientArguments['middlewares']>[number] {
  return () => ({ prepareRequest: async (next) => (await next()).enhance({ timeout: timeoutMs }) });
}
