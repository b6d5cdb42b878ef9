import { IllegalStateError } from '../errors.ts';
import type { Headers } from '../processor/headers.ts';
import { clientProperties } from './client-config.ts';
import { Connection, type NativeClient } from './connection.ts';
import type { ClientOptions, MembershipConsumer, Producer, ProducerOptions, TopicPartitionOffset } from './contract.ts';
import { KafkaErrorCode, type NativeError, toClientError } from './errors.ts';
import { RdKafkaMembershipConsumer } from './membership-consumer.ts';
import { type RdKafka, rdKafka } from './native.ts';

type NativeProducer = NativeClient & RdKafka.Producer & { _disconnect(cb: () => void): void };

/** Zero bytes that are not null: the client takes an ordinary empty buffer, whose address is null, for no value at all. */
const EMPTY = Buffer.allocUnsafeSlow(1).subarray(0, 0);
/** And that is how a header without a value is written. */
const NULL_HEADER = Buffer.alloc(0);

/** Serves error and log events while nothing is produced. */
const IDLE_POLL_MS = 500;

/** One failure of an interval is enough to drop it; more are kept for the log. */
const MAX_FAILURES = 1000;

/**
 * A producer on librdkafka's callback API: idempotent, and transactional when it has a transactional id.
 * Delivery reports arrive for failed records only: a report per record costs three times the produce itself.
 * After a transaction that was aborted because a broker refused a record, the next one fails as well (45, abortable): the client has counted
 * the refused record. Aborted and begun again, it succeeds.
 */
export class RdKafkaProducer implements Producer {
  readonly #connection: Connection<NativeProducer>;
  #failures: { topic: string; partition: number; error: Error }[] = [];
  #failed = 0;
  #inTransaction = false;

  constructor(options: ClientOptions, producer: ProducerOptions) {
    const transactional = producer.transactionalId !== undefined;
    const properties = clientProperties(
      options,
      // librdkafka's own bound is a gigabyte.
      { 'queue.buffering.max.kbytes': 65_536, 'queue.buffering.max.messages': 500_000, 'linger.ms': 5 },
      producer.overrides,
      {
        'enable.idempotence': true,
        'transactional.id': producer.transactionalId,
        'transaction.timeout.ms': transactional ? producer.transactionTimeoutMs : undefined,
        'delivery.report.only.error': true,
      },
    );
    this.#connection = new Connection('producer', options, properties, (conf) => {
      const native = new (rdKafka().Producer)({ ...conf, dr_cb: true } as RdKafka.ProducerGlobalConfig) as unknown as NativeProducer;
      native.on('delivery-report', (error, report) => this.#delivered(error, report));
      // The library's own disconnect flushes for five seconds before it does; `close` has flushed already.
      native.disconnect = native._disconnect as NativeProducer['disconnect'];
      return native;
    });
  }

  async connect(timeoutMs: number): Promise<void> {
    await this.#connection.connect(timeoutMs);
    this.#connection.native.setPollInterval(IDLE_POLL_MS);
  }

  initTransactions(timeoutMs: number): Promise<void> {
    return this.#call('initialise transactions', timeoutMs, (native, done) => native.initTransactions(timeoutMs, done));
  }

  async beginTransaction(): Promise<void> {
    await this.#call('begin a transaction', 10_000, (native, done) => native.beginTransaction(done));
    this.#inTransaction = true;
  }

  produce(topic: string, partition: number, key: Buffer | null, value: Buffer | null, timestamp: number | null, headers: Headers): boolean {
    try {
      this.#connection.native.produce(
        topic,
        partition,
        value !== null && value.length === 0 ? EMPTY : value,
        key !== null && key.length === 0 ? EMPTY : key,
        // The client reads 0 as "now": a millisecond later is nearer to the truth.
        timestamp === 0 ? 1 : timestamp,
        undefined,
        headers.length === 0 ? undefined : nativeHeaders(headers),
      );
      return true;
    } catch (error) {
      if ((error as NativeError).code === KafkaErrorCode.queueFull) return false;
      if (!this.#connection.connected) throw new IllegalStateError('Could not produce: the producer is not connected', { topic, partition });
      throw toClientError(error as NativeError, 'produce a record', { topic, partition });
    }
  }

  poll(): void {
    if (this.#connection.connected) this.#connection.native.poll();
  }

  async sendOffsetsToTransaction(offsets: readonly TopicPartitionOffset[], consumer: MembershipConsumer, timeoutMs: number): Promise<void> {
    const operation = 'send offsets to the transaction';
    if (offsets.length === 0) return;
    // The native call reads the group's metadata out of the consumer, and crashes on a freed one.
    if (!(consumer.handle as NativeClient).isConnected()) throw new IllegalStateError(`Could not ${operation}: the group member is not connected`);
    if (consumer instanceof RdKafkaMembershipConsumer) consumer.requireMember(operation);
    await this.#call(operation, timeoutMs, (native, done) =>
      native.sendOffsetsToTransaction(offsets as TopicPartitionOffset[], consumer.handle as RdKafka.KafkaConsumer, timeoutMs, done),
    );
  }

  async commitTransaction(timeoutMs: number): Promise<void> {
    await this.#call('commit the transaction', timeoutMs, (native, done) => native.commitTransaction(timeoutMs, done));
    this.#inTransaction = false;
  }

  async abortTransaction(timeoutMs: number): Promise<void> {
    await this.#call('abort the transaction', timeoutMs, (native, done) => native.abortTransaction(timeoutMs, done));
    this.#inTransaction = false;
    await this.#reportsArrived();
    this.takeFailures();
  }

  async flush(timeoutMs: number): Promise<void> {
    await this.#call('flush the producer', timeoutMs, (native, done) => native.flush(timeoutMs, done));
    await this.#reportsArrived();
  }

  takeFailures(): { topic: string; partition: number; error: Error }[] {
    const failures = this.#failures;
    this.#failures = [];
    this.#failed = 0;
    return failures;
  }

  async close(timeoutMs: number): Promise<void> {
    if (this.#connection.connected) {
      try {
        if (this.#inTransaction) await this.abortTransaction(timeoutMs);
        else await this.flush(timeoutMs);
      } catch (error) {
        this.#connection.log(4, 'CLOSE', `closing goes on although: ${(error as Error).message}`);
      }
    }
    await this.#connection.close();
  }

  /** Failure reports are handed to JavaScript in portions, one a turn of the event loop; the first turn comes after flush has returned. */
  async #reportsArrived(): Promise<void> {
    let seen: number;
    do {
      seen = this.#failed;
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#failed > seen);
  }

  #delivered(error: NativeError | null, report: { topic: string; partition: number }): void {
    if (error === null || error.code === KafkaErrorCode.purgedInQueue || error.code === KafkaErrorCode.purgedInFlight) {
      // Purged: the application aborted the transaction.
      if (error !== null) this.#failed++;
      return;
    }
    this.#failed++;
    if (this.#failures.length >= MAX_FAILURES) return;
    const { topic, partition } = report;
    this.#failures.push({ topic, partition, error: toClientError(error, 'deliver a record', { topic, partition }) });
  }

  #call(operation: string, timeoutMs: number, start: (native: NativeProducer, done: (error: RdKafka.LibrdKafkaError) => void) => void): Promise<void> {
    if (!this.#connection.connected) return Promise.reject(new IllegalStateError(`Could not ${operation}: the producer is not connected`));
    return this.#connection.calls.run<void>(operation, timeoutMs, (done) => start(this.#connection.native, done));
  }
}

function nativeHeaders(headers: Headers): RdKafka.MessageHeader[] {
  const native = new Array<RdKafka.MessageHeader>(headers.length);
  for (let i = 0; i < headers.length; i++) {
    const [key, value] = headers[i] as Headers[number];
    native[i] = { [key]: value === null ? NULL_HEADER : value.length === 0 ? EMPTY : value };
  }
  return native;
}
