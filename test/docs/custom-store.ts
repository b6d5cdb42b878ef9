import {
  type CustomStateStore,
  type Processor,
  type ProcessorContext,
  type StateStoreContext,
  type StoreBuilder,
  StreamRecord,
  StreamsBuilder,
  serdes,
  type Topology,
} from 'millrace';

// <custom-store>
/** The best score of each player, and who leads: a sorted list, which no key-value store can give. */
class Leaderboard implements CustomStateStore {
  readonly name = 'leaderboard';
  /** What is logged is kept in the task's state file. */
  readonly persistent = true;
  isOpen = false;
  #context: StateStoreContext | undefined;
  #topic = '';
  #scores = new Map<string, number>();
  #ranking: string[] = [];

  init(context: StateStoreContext): void {
    this.#context = context;
    this.#topic = context.changelogTopic(this.name);
    this.isOpen = true;
  }

  score(player: string, points: number): void {
    this.#set(player, points);
    const { timestamp, headers } = this.#context!.recordContext;
    this.#context!.logChange(this.name, serdes.string.serialize(this.#topic, player), serdes.long.serialize(this.#topic, points), timestamp, headers);
  }

  top(count: number): readonly string[] {
    return this.#ranking.slice(0, count);
  }

  best(player: string): number | undefined {
    return this.#scores.get(player);
  }

  restore(records: Parameters<CustomStateStore['restore']>[0]): void {
    for (const { key, value } of records) {
      const player = serdes.string.deserialize(this.#topic, key);
      this.#set(player, value === null ? undefined : serdes.long.deserialize(this.#topic, value));
    }
  }

  clear(): void {
    this.#scores.clear();
    this.#ranking = [];
  }

  close(): void {
    this.clear();
    this.isOpen = false;
  }

  #set(player: string, points: number | undefined): void {
    if (points === undefined) this.#scores.delete(player);
    else this.#scores.set(player, points);
    this.#ranking = [...this.#scores].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name);
  }
}

const leaderboard: StoreBuilder<Leaderboard> = {
  name: 'leaderboard',
  kind: 'custom',
  loggingEnabled: true,
  logConfig: {},
  cachingEnabled: false,
  build: () => new Leaderboard(),
};

/** Sends the three best whenever a player has a new best score. */
class Leaders implements Processor<string, number, string, string> {
  #context!: ProcessorContext<string, string>;
  #store!: Leaderboard;

  init(context: ProcessorContext<string, string>): void {
    this.#context = context;
    this.#store = context.getStateStore('leaderboard');
  }

  process({ key, value, timestamp }: StreamRecord<string, number>): void {
    if (value <= (this.#store.best(key) ?? Number.NEGATIVE_INFINITY)) return;
    this.#store.score(key, value);
    this.#context.forward(new StreamRecord('leaders', this.#store.top(3).join(' '), timestamp));
  }
}

const builder = new StreamsBuilder();
builder.addStateStore(leaderboard);
builder
  .stream<string, number>('scores', { key: serdes.string, value: serdes.long })
  .process(() => new Leaders(), { stores: ['leaderboard'] })
  .to('leaders', { key: serdes.string, value: serdes.string });
export const topology: Topology = builder.build();
// </custom-store>

export { leaderboard };
