import { TopologyError } from '../errors.ts';
import { kstreamJoinWindow, kstreamKStreamJoin, kstreamKStreamSelfJoin, kstreamPassThrough, streamJoinTimeTrackers } from '../operators/index.ts';
import type { Serde } from '../serdes/serde.ts';
import type { StoreSupplier } from '../state/stores.ts';
import type { AnyFunction, AnyStreamJoined } from './erased.ts';
import { processorNode } from './graph/nodes/processor-node.ts';
import { streamJoinNode } from './graph/nodes/stream-join-node.ts';
import { joinRepartition } from './join-repartition.ts';
import { STREAM, validName } from './names.ts';
import { copartition, nextStage, type Stage } from './stage.ts';
import { joinWindowStoreFactory } from './stores/join-window-store-factory.ts';
import { outerJoinStoreFactory } from './stores/special-store-factories.ts';
import type { StoreFactory } from './stores/store-factory.ts';
import type { JoinWindows } from './windows/join-windows.ts';

/** Joins two streams on key and time. */
export function joinStreams(
  kind: 'inner' | 'left' | 'outer',
  left: Stage,
  right: Stage,
  joiner: AnyFunction,
  windows: JoinWindows,
  joined: AnyStreamJoined = {},
): Stage {
  const keySerde: Serde<unknown> | undefined = joined.key;
  const serdes = { valueSerde: joined.value as Serde<unknown> | undefined, otherValueSerde: joined.otherValue as Serde<unknown> | undefined };
  const leftName = joined.name === undefined ? undefined : `${joined.name}-left`;
  const rightName = joined.name === undefined ? undefined : `${joined.name}-right`;
  const thisSide = joinRepartition(left, leftName, keySerde ?? left.keySerde, serdes.valueSerde ?? left.valueSerde);
  const otherSide = joinRepartition(right, rightName, keySerde ?? right.keySerde, serdes.otherValueSerde ?? right.valueSerde);
  const sources = copartition(thisSide, otherSide);
  const joinKeySerde = keySerde ?? thisSide.keySerde ?? otherSide.keySerde;
  const node = addJoin(kind, thisSide, otherSide, joiner, windows, joined, { keySerde: joinKeySerde, ...serdes });
  return nextStage(thisSide, node, { keySerde: joinKeySerde, valueSerde: undefined, sources, repartitionRequired: false });
}

interface JoinSerdes {
  readonly keySerde: Serde<unknown> | undefined;
  readonly valueSerde: Serde<unknown> | undefined;
  readonly otherValueSerde: Serde<unknown> | undefined;
}

function addJoin(
  kind: 'inner' | 'left' | 'outer',
  left: Stage,
  right: Stage,
  joiner: AnyFunction,
  windows: JoinWindows,
  joined: AnyStreamJoined,
  serdes: JoinSerdes,
) {
  const { graph } = left;
  const { names } = graph;
  const leftOuter = kind !== 'inner';
  const rightOuter = kind === 'outer';
  const thisSuffix = rightOuter ? '-outer-this-join' : '-this-join';
  const otherSuffix = leftOuter ? '-outer-other-join' : '-other-join';
  const thisWindowed = names.suffixed(joined.name, '-this-windowed', STREAM.windowed);
  const otherWindowed = names.suffixed(joined.name, '-other-windowed', STREAM.windowed);
  const thisGenerated = names.processor(rightOuter ? STREAM.outerThis : STREAM.joinThis);
  const otherGenerated = names.processor(leftOuter ? STREAM.outerOther : STREAM.joinOther);
  const thisName = joined.name === undefined ? thisGenerated : validName(joined.name + thisSuffix, 'Name of a join');
  const otherName = joined.name === undefined ? otherGenerated : validName(joined.name + otherSuffix, 'Name of a join');
  const mergeName = names.suffixed(joined.name, '-merge', STREAM.merge);

  checkSuppliers(joined.thisStore, joined.otherStore, windows);
  const base = joined.store === undefined ? undefined : validName(joined.store, 'Base name of the stores of a join');
  const options = { windows, joined, keySerde: serdes.keySerde };
  const thisStore = joinWindowStoreFactory({
    ...options,
    name: `${base === undefined ? thisGenerated : base + thisSuffix}-store`,
    supplier: joined.thisStore,
    valueSerde: serdes.valueSerde ?? left.valueSerde,
  });
  const otherStore = joinWindowStoreFactory({
    ...options,
    name: `${base === undefined ? otherGenerated : base + otherSuffix}-store`,
    supplier: joined.otherStore,
    valueSerde: serdes.otherValueSerde ?? right.valueSerde,
  });
  addWindowNode(left, thisWindowed, thisStore);
  addWindowNode(right, otherWindowed, otherStore);
  const outerStore = leftOuter
    ? outerJoinStoreFactory({
        name: `${outerStoreName(joined.thisStore?.name ?? base, thisGenerated, rightOuter)}-store`,
        joined,
        keySerde: serdes.keySerde,
        valueSerde: serdes.valueSerde ?? left.valueSerde,
        otherValueSerde: serdes.otherValueSerde ?? right.valueSerde,
      })
    : undefined;
  for (const store of [joined.thisStore ?? thisStore, joined.otherStore ?? otherStore, joined.thisStore ?? outerStore]) {
    if (base === undefined && store !== undefined && 'create' in store) names.generated.addStore(store.name, joined.logging !== false);
  }
  const shared = { windows, joiner, outerJoinStoreName: outerStore?.name ?? null, timeTrackers: streamJoinTimeTrackers() };
  const node = streamJoinNode({
    thisWindowed,
    otherWindowed,
    joinThis: { name: thisName, supplier: kstreamKStreamJoin({ ...shared, leftSide: true, outer: leftOuter, otherWindowStoreName: otherStore.name }) },
    joinOther: { name: otherName, supplier: kstreamKStreamJoin({ ...shared, leftSide: false, outer: rightOuter, otherWindowStoreName: thisStore.name }) },
    merge: { name: mergeName, supplier: kstreamPassThrough() },
    selfJoin: { name: mergeName, supplier: kstreamKStreamSelfJoin({ windows, joiner, windowStoreName: thisStore.name }) },
    thisStore,
    otherStore,
    outerStore,
  });
  graph.add(node, left.node, right.node);
  return node;
}

function addWindowNode(stage: Stage, name: string, store: StoreFactory): void {
  stage.graph.add(processorNode(name, { supplier: kstreamJoinWindow(store.name) }), stage.node);
}

/** Java's: `<store>-left-shared-join` or `-outer-shared-join`; generated: the index of this side's join. */
function outerStoreName(base: string | undefined, thisGenerated: string, rightOuter: boolean): string {
  if (base !== undefined) return `${base}${rightOuter ? '-outer-shared-join' : '-left-shared-join'}`;
  return STREAM.outerShared + thisGenerated.slice(rightOuter ? STREAM.outerThis.length : STREAM.joinThis.length);
}

function checkSuppliers(thisStore: StoreSupplier | undefined, otherStore: StoreSupplier | undefined, windows: JoinWindows): void {
  if (thisStore !== undefined && thisStore.name === otherStore?.name) {
    throw new TopologyError(`Both store suppliers of a stream-stream join are named ${thisStore.name}: give them different names`, { store: thisStore.name });
  }
  for (const supplier of [thisStore, otherStore]) if (supplier !== undefined) checkSupplier(supplier, windows);
}

function checkSupplier(supplier: StoreSupplier, windows: JoinWindows): void {
  if (supplier.retainDuplicates !== true)
    throw new TopologyError(`Store ${supplier.name} of a stream-stream join must retain duplicates: make it with retainDuplicates true`, {
      store: supplier.name,
    });
  const retention = windows.sizeMs + windows.graceMs;
  if (supplier.windowSize !== windows.sizeMs || supplier.retentionPeriod !== retention) {
    throw new TopologyError(
      `Store ${supplier.name} has window size ${supplier.windowSize} ms and retention ${supplier.retentionPeriod} ms, but its join needs size ${windows.sizeMs} ms and retention ${retention} ms (size plus grace)`,
      { store: supplier.name },
    );
  }
}
