import kafka from '@confluentinc/kafka-javascript';

/*
 * The demo's own dealings with Kafka: it feeds the input topic, reads the output topics, and asks how far the service has come. The service needs none of
 * this: Millrace does it.
 */

const TIMEOUT_MS = 10_000;
const NEW_TOPIC_MS = 30_000;
const QUEUE_FULL = kafka.CODES.ERRORS.ERR__QUEUE_FULL;
const TOPIC_EXISTS = kafka.CODES.ERRORS.ERR_TOPIC_ALREADY_EXISTS;

export type Message = kafka.Message;
/** What producers and consumers have in common. */
type Client = kafka.Client<'event.error'>;

/**
 * Create what is missing of `topics`, with four partitions. They keep records for ever: a broker deletes by the records' own times, and a replayed log may
 * be years old.
 */
export async function createTopics(bootstrap: string, topics: readonly string[], embedded: boolean): Promise<void> {
  const client = await connect(new kafka.Producer({ 'bootstrap.servers': bootstrap, 'allow.auto.create.topics': embedded } as never), bootstrap);
  try {
    // The embedded broker has no CreateTopics: it makes a topic when its metadata are asked for.
    if (!embedded) {
      const admin = kafka.AdminClient.create({ 'bootstrap.servers': bootstrap });
      try {
        await Promise.all(
          topics.map((topic) =>
            done((cb) => admin.createTopic({ topic, num_partitions: 4, replication_factor: -1, config: { 'retention.ms': '-1' } }, TIMEOUT_MS, cb)).catch(
              (error) => {
                if (error.code !== TOPIC_EXISTS) throw new Error(`Could not create topic ${topic}: ${error.message}`);
              },
            ),
          ),
        );
      } finally {
        admin.disconnect();
      }
    }
    for (const topic of topics) await partitionsOf(client, topic);
  } finally {
    await done((cb) => client.disconnect(cb));
  }
}

/** Whether any partition of a topic has ever held a record. */
export async function hasRecords(bootstrap: string, topic: string): Promise<boolean> {
  const client = await connect(new kafka.Producer({ 'bootstrap.servers': bootstrap, 'allow.auto.create.topics': false } as never), bootstrap);
  try {
    const metadata = await done<kafka.Metadata>((cb) => client.getMetadata({ timeout: TIMEOUT_MS }, cb));
    const partitions = metadata.topics.find((each) => each.name === topic)?.partitions ?? [];
    for (const { id } of partitions) {
      if ((await done<kafka.WatermarkOffsets>((cb) => client.queryWatermarkOffsets(topic, id, TIMEOUT_MS, cb))).highOffset > 0) return true;
    }
    return false;
  } finally {
    await done((cb) => client.disconnect(cb));
  }
}

/** Writes keyed records, as fast as the broker takes them. */
export class Feed {
  readonly #producer: kafka.Producer;
  #failure: kafka.LibrdKafkaError | undefined;

  private constructor(producer: kafka.Producer) {
    this.#producer = producer;
    producer.on('delivery-report', (error) => {
      if (error) this.#failure ??= error;
    });
  }

  static async open(bootstrap: string): Promise<Feed> {
    const global = { 'bootstrap.servers': bootstrap, 'enable.idempotence': true, 'linger.ms': 5, dr_cb: true, 'delivery.report.only.error': true };
    // Java's partitioner: the default of this client would put a key elsewhere than every other program does.
    const producer = new kafka.Producer(global, { partitioner: 'murmur2_random' } as never);
    await connect(producer, bootstrap);
    producer.setPollInterval(50);
    return new Feed(producer);
  }

  /** Resolves once the client has room; the record is delivered by the time `flush` resolves. */
  async send(topic: string, key: string | null, value: unknown): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(value));
    for (;;) {
      try {
        this.#producer.produce(topic, null, bytes, key, Date.now());
        return;
      } catch (error) {
        if ((error as { code?: number }).code !== QUEUE_FULL) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  async flush(): Promise<void> {
    await done((cb) => this.#producer.flush(60_000, cb));
    this.#producer.poll();
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#failure) throw new Error(`The broker refused a record: ${this.#failure.message}`);
  }

  async close(): Promise<void> {
    await done((cb) => this.#producer.disconnect(cb as never));
  }
}

/** Reads topics from their start, committed records only, and tells how far it has come. */
export class Follower {
  readonly #consumer: kafka.KafkaConsumer;
  readonly #positions = new Map<string, number>();

  private constructor(consumer: kafka.KafkaConsumer) {
    this.#consumer = consumer;
    consumer.on('partition.eof', (eof) => this.#advance(eof.topic, eof.partition, eof.offset));
  }

  static async open(bootstrap: string, topics: readonly string[]): Promise<Follower> {
    const consumer = new kafka.KafkaConsumer({
      'bootstrap.servers': bootstrap,
      'group.id': 'pageview-sessions-follower',
      'enable.auto.commit': false,
      'enable.partition.eof': true,
      'isolation.level': 'read_committed',
      'fetch.wait.max.ms': 50,
    });
    await connect(consumer, bootstrap);
    const partitions: kafka.TopicPartition[] = [];
    for (const topic of topics) for (const partition of await partitionsOf(consumer, topic)) partitions.push({ topic, partition });
    consumer.assign(partitions.map((each) => ({ ...each, offset: 0 })));
    consumer.setDefaultConsumeTimeout(50);
    return new Follower(consumer);
  }

  /** The records that are there, at most 5,000, in the order of their partitions. */
  async read(): Promise<Message[]> {
    const messages = await done<Message[]>((cb) => this.#consumer.consume(5000, cb));
    for (const message of messages) this.#advance(message.topic, message.partition, message.offset + 1);
    return messages;
  }

  /** Whether everything before these ends was read, the marks of transactions included. */
  hasReached(ends: ReadonlyMap<string, number>): boolean {
    for (const [partition, end] of ends) if ((this.#positions.get(partition) ?? 0) < end) return false;
    return true;
  }

  async close(): Promise<void> {
    await done((cb) => this.#consumer.disconnect(cb));
  }

  #advance(topic: string, partition: number, offset: number): void {
    const key = `${topic}-${partition}`;
    if (offset > (this.#positions.get(key) ?? 0)) this.#positions.set(key, offset);
  }
}

/** Asks the broker how far the service is. It reads the service's group without being a member of it. */
export class Probe {
  readonly #consumer: kafka.KafkaConsumer;
  readonly #partitions = new Map<string, kafka.TopicPartition[]>();

  private constructor(consumer: kafka.KafkaConsumer) {
    this.#consumer = consumer;
  }

  static async open(bootstrap: string, group: string): Promise<Probe> {
    // Uncommitted: the last stable offset, which is the end that read_committed asks for, lags behind what has been committed.
    const consumer = new kafka.KafkaConsumer({
      'bootstrap.servers': bootstrap,
      'group.id': group,
      'enable.auto.commit': false,
      'isolation.level': 'read_uncommitted',
    });
    return new Probe(await connect(consumer, bootstrap));
  }

  /** Records in a topic, and how many of them are not processed and committed. */
  async lag(topic: string): Promise<{ records: number; lag: number }> {
    const partitions = await this.#partitionsOf(topic);
    const committed = await done<kafka.TopicPartitionOffset[]>((cb) => this.#consumer.committed(partitions, TIMEOUT_MS, cb as never));
    const ends = await this.ends([topic]);
    let records = 0;
    let lag = 0;
    for (const { partition } of partitions) {
      const end = ends.get(`${topic}-${partition}`) as number;
      records += end;
      lag += end - Math.max(0, committed.find((each) => each.partition === partition)?.offset ?? 0);
    }
    return { records, lag };
  }

  /** The end of each partition, by `topic-partition`. */
  async ends(topics: readonly string[]): Promise<Map<string, number>> {
    const ends = new Map<string, number>();
    for (const each of topics) {
      for (const { topic, partition } of await this.#partitionsOf(each)) {
        const { highOffset } = await done<kafka.WatermarkOffsets>((cb) => this.#consumer.queryWatermarkOffsets(topic, partition, TIMEOUT_MS, cb));
        ends.set(`${topic}-${partition}`, highOffset);
      }
    }
    return ends;
  }

  async close(): Promise<void> {
    await done((cb) => this.#consumer.disconnect(cb));
  }

  async #partitionsOf(topic: string): Promise<kafka.TopicPartition[]> {
    let partitions = this.#partitions.get(topic);
    if (partitions === undefined) {
      partitions = (await partitionsOf(this.#consumer, topic)).map((partition) => ({ topic, partition }));
      this.#partitions.set(topic, partitions);
    }
    return partitions;
  }
}

async function connect<C extends Client>(client: C, bootstrap: string): Promise<C> {
  // What goes wrong reaches the caller of the next call; without a listener it would end the process.
  client.on('event.error', () => {});
  try {
    await done((cb) => client.connect({ timeout: TIMEOUT_MS }, cb));
  } catch (error) {
    throw new Error(`No Kafka broker answers at ${bootstrap}: ${(error as Error).message}. Check --bootstrap, or leave it out to use the embedded broker`);
  }
  return client;
}

/** A topic that was just made takes a moment to have leaders. */
async function partitionsOf(client: Client, topic: string): Promise<number[]> {
  const deadline = Date.now() + NEW_TOPIC_MS;
  for (;;) {
    const metadata = await done<kafka.Metadata>((cb) => client.getMetadata({ topic, timeout: TIMEOUT_MS }, cb));
    const partitions = metadata.topics.find((each) => each.name === topic)?.partitions ?? [];
    if (partitions.length > 0 && partitions.every((each) => each.leader >= 0)) return partitions.map((each) => each.id);
    if (Date.now() > deadline) throw new Error(`Topic ${topic} does not exist, and did not appear within ${NEW_TOPIC_MS / 1000} seconds`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A call of the client that answers through a callback. */
function done<T>(call: (cb: (error: kafka.LibrdKafkaError | null | undefined, result?: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result as T)));
  });
}
