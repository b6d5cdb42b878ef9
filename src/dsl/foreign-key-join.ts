import {
  combinedKeySchema,
  foreignTableJoin,
  ktableSource,
  responseJoin,
  responsePartitioner,
  subscriptionJoin,
  subscriptionReceive,
  subscriptionResponseSerde,
  subscriptionSend,
  subscriptionWrapperSerde,
} from '../operators/index.ts';
import type { StreamPartitioner } from '../processor/partitioner.ts';
import type { Serde } from '../serdes/serde.ts';
import type { AnyFunction, AnyTable, AnyTableJoined, AnyTableOptions, Untyped } from './erased.ts';
import type { LogicalNode } from './graph/logical-node.ts';
import { processorNode } from './graph/nodes/processor-node.ts';
import { sinkNode } from './graph/nodes/sink-node.ts';
import { sourceNode } from './graph/nodes/source-node.ts';
import { storeNode } from './graph/nodes/store-node.ts';
import { KTable } from './ktable.ts';
import { resolveMaterialized } from './materialized.ts';
import { FK_JOIN, TABLE } from './names.ts';
import { nextStage, type Stage } from './stage.ts';
import { keyValueStoreFactory } from './stores/key-value-store-factory.ts';
import { subscriptionStoreFactory } from './stores/special-store-factories.ts';
import type { AnyTableSupplier } from './suppliers.ts';

type OptionalSerde = Serde<Untyped> | undefined;
type AnyPartitioner = StreamPartitioner<Untyped, Untyped>;

const TOPIC_SUFFIX = '-topic';

/**
 * Joins two tables on a foreign key (KIP-213). Each left row subscribes, through a topic partitioned by the foreign key, at the right row it refers to; answers and later changes come
 * back through a second topic, partitioned by the left key, where they are joined with the left row.
 */
export function joinForeignKey(
  left: AnyTable,
  right: AnyTable,
  extractor: AnyFunction,
  joiner: AnyFunction,
  leftJoin: boolean,
  options: AnyTableJoined & AnyTableOptions,
): AnyTable {
  right.enableSendingOldValues(true);
  left.enableSendingOldValues(true);
  const { graph } = left.stage;
  const { names } = graph;
  const { name } = options;
  const keySerde: OptionalSerde = left.stage.keySerde;
  const valueSerde: OptionalSerde = left.stage.valueSerde;
  const foreignKeySerde: OptionalSerde = right.stage.keySerde;

  const registrationTopic = names.suffixed(name, '-subscription-registration', FK_JOIN.registration) + TOPIC_SUFFIX;
  const pseudoTopic = (suffix: string) => () => graph.internalTopicName(registrationTopic) + suffix;
  const valueSerdeTopic = pseudoTopic('-vh');
  const wrapperSerde = subscriptionWrapperSerde(keySerde, pseudoTopic('-pk'), [
    { serde: foreignKeySerde, topic: pseudoTopic('-fk'), kind: 'key' },
    { serde: valueSerde, topic: valueSerdeTopic, kind: 'value' },
  ]) as Serde<unknown>;
  const keySchema = combinedKeySchema({
    foreignKeySerde,
    foreignKeyTopic: pseudoTopic('-fk'),
    primaryKeySerde: keySerde,
    primaryKeyTopic: pseudoTopic('-pk'),
  });

  const send = subscriptionSend({ extractor, foreignKeySerde, foreignKeySerdeTopic: pseudoTopic('-fk'), valueSerde, valueSerdeTopic, leftJoin });
  const sendNode = processorNode(names.suffixed(name, '-subscription-registration-processor', FK_JOIN.registration), {
    supplier: send.get,
    useVersionedSemantics: () => send.setUseVersionedSemantics(true),
  });
  graph.add(sendNode, left.stage.node);
  const registrationSink = sinkNode(names.suffixed(name, '-subscription-registration-sink', TABLE.sink), {
    topic: registrationTopic,
    keySerde: foreignKeySerde,
    valueSerde: wrapperSerde,
    partitioner: withoutValue(options.otherPartitioner),
    internal: true,
  });
  graph.add(registrationSink, sendNode);
  const registrationSource = internalSource(
    names.suffixed(name, '-subscription-registration-source', TABLE.source),
    registrationTopic,
    foreignKeySerde,
    wrapperSerde,
  );
  graph.add(registrationSource, registrationSink);
  graph.copartition(new Set([...right.stage.sources, registrationSource.name]));

  const storeName = names.suffixed(name, '-subscription-store', FK_JOIN.store);
  const subscriptions = subscriptionStoreFactory(storeName, wrapperSerde);
  graph.addRoot(storeNode((config) => subscriptions.create(config), storeName));
  const receiveNode = processorNode(names.suffixed(name, '-subscription-receive', FK_JOIN.processor), {
    supplier: subscriptionReceive({ storeName, keySchema }),
    stores: [storeName],
  });
  graph.add(receiveNode, registrationSource);
  const rightRows = right.valueGetterSupplier();
  const lookupNode = processorNode(names.suffixed(name, '-subscription-join-foreign', FK_JOIN.processor), {
    supplier: subscriptionJoin({ table: rightRows }),
    stores: () => rightRows.storeNames,
  });
  graph.add(lookupNode, receiveNode);
  const changed = foreignTableJoin({ storeName, keySchema });
  const changedNode = processorNode(names.suffixed(name, '-foreign-join-subscription', FK_JOIN.processor), {
    supplier: changed.get,
    stores: [storeName],
    useVersionedSemantics: () => changed.setUseVersionedSemantics(true),
  });
  graph.add(changedNode, right.stage.node);

  const responseTopic = names.suffixed(name, '-subscription-response', FK_JOIN.response) + TOPIC_SUFFIX;
  const responseSerde = subscriptionResponseSerde(right.stage.valueSerde, [
    { serde: foreignKeySerde, topic: pseudoTopic('-fk'), kind: 'key' },
    { serde: keySerde, topic: pseudoTopic('-pk'), kind: 'key' },
  ]) as Serde<unknown>;
  const responseSink = sinkNode(names.suffixed(name, '-subscription-response-sink', TABLE.sink), {
    topic: responseTopic,
    keySerde,
    valueSerde: responseSerde,
    partitioner: withoutValue(options.partitioner) ?? responsePartitioner(),
    internal: true,
  });
  graph.add(responseSink, lookupNode, changedNode);
  const responseSource = internalSource(names.suffixed(name, '-subscription-response-source', TABLE.source), responseTopic, keySerde, responseSerde);
  graph.add(responseSource, responseSink);
  const sources = new Set([...left.stage.sources, responseSource.name]);
  graph.copartition(sources);

  const leftRows = left.valueGetterSupplier();
  const resolveNode = processorNode(names.suffixed(name, '-subscription-response-resolver', FK_JOIN.resolver), {
    supplier: responseJoin({ table: leftRows, valueSerde, valueSerdeTopic, joiner, leftJoin }),
    stores: () => leftRows.storeNames,
  });
  graph.add(resolveNode, responseSource);
  return resultTable(left.stage, resolveNode, options, sources);
}

/** The table of the results; it has a store when one was named, or something reads it. */
function resultTable(left: Stage, parent: LogicalNode, options: AnyTableOptions, sources: ReadonlySet<string>): AnyTable {
  const { graph } = left;
  const name = graph.names.suffixed(options.name, '-result', FK_JOIN.output);
  const materialized = resolveMaterialized(options, { keySerde: left.keySerde }, { names: graph.names, prefix: FK_JOIN.output });
  const store = keyValueStoreFactory(materialized);
  const result = ktableSource<never, never>({ storeName: store.name, queryableName: materialized.queryableName });
  const node = processorNode(name, { supplier: () => result.get(), store, storeNeeded: () => result.materialized, outputVersioned: store.versioned });
  graph.add(node, parent);
  const stage = nextStage(left, node, { keySerde: materialized.keySerde, valueSerde: materialized.valueSerde, sources, repartitionRequired: false });
  return new KTable(stage, result as unknown as AnyTableSupplier, materialized.queryableName, store.historyRetentionMs);
}

function internalSource(name: string, topic: string, keySerde: OptionalSerde, valueSerde: Serde<unknown>) {
  return sourceNode({ kind: 'source', name, topics: [topic], keySerde, valueSerde });
}

/** The user's partitioner, which sees keys alone: the values of these topics are the join's own. */
function withoutValue(partitioner: AnyPartitioner | undefined): AnyPartitioner | undefined {
  if (partitioner === undefined) return undefined;
  return (topic, key, _value, partitions) => partitioner(topic, key, null, partitions);
}
