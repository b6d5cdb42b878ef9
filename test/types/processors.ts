import { expectTypeOf } from 'expect-type';
import {
  type FixedKeyProcessor,
  type FixedKeyProcessorContext,
  type KeyValueStore,
  type KStream,
  type Processor,
  type ProcessorContext,
  Stores,
  type StreamRecord,
  StreamsBuilder,
  serdes,
  Topology,
} from 'millrace';

/* Compiled, never run: `tsc --noEmit` is the test. */

class Lengths implements Processor<string, string, string, number> {
  #context!: ProcessorContext<string, number>;

  init(context: ProcessorContext<string, number>): void {
    this.#context = context;
    expectTypeOf(context.getStateStore<KeyValueStore<string, number>>('seen').get('a')).toEqualTypeOf<number | null>();
    // @ts-expect-error: there are two clocks
    context.schedule('1s', 'cpu-time', () => {});
  }

  process(record: StreamRecord<string, string>): void {
    this.#context.forward(record.withValue(record.value.length));
    // @ts-expect-error: it says that it forwards numbers
    this.#context.forward(record);
  }
}

class Upper implements FixedKeyProcessor<string, string, string> {
  #context!: FixedKeyProcessorContext<string, string>;

  init(context: FixedKeyProcessorContext<string, string>): void {
    this.#context = context;
  }

  process(record: StreamRecord<string, string>): void {
    this.#context.forward(record.withValue(record.value.toUpperCase()));
  }
}

const builder = new StreamsBuilder();
const lines = builder.stream('lines', { key: serdes.string, value: serdes.string });
expectTypeOf(lines.process(() => new Lengths(), { stores: ['seen'] })).toEqualTypeOf<KStream<string, number>>();
expectTypeOf(
  lines.process({ get: () => new Lengths(), stores: () => [Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore('seen'), serdes.string, serdes.long)] }),
).toEqualTypeOf<KStream<string, number>>();
expectTypeOf(lines.processValues(() => new Upper())).toEqualTypeOf<KStream<string, string>>();
// @ts-expect-error: a processor, not a class
lines.process(Lengths);

new Topology()
  .addSource('in', 'lines', { key: serdes.string, value: serdes.string, timestamp: (record) => record.value.length })
  .addProcessor('lengths', () => new Lengths(), 'in')
  .addSink('out', 'lengths', { key: serdes.string, value: serdes.long }, 'lengths');
// @ts-expect-error: a sink takes options before its parents
new Topology().addSink('out', 'lengths', 'lengths');
