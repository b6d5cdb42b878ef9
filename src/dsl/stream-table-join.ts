import { TopologyError } from '../errors.ts';
import { kstreamKTableJoin } from '../operators/index.ts';
import type { Serde } from '../serdes/serde.ts';
import { toMillis } from '../time.ts';
import type { AnyFunction, AnyJoined, AnyTable } from './erased.ts';
import { addWrapped } from './graph/add-processor.ts';
import { plainNode } from './graph/logical-node.ts';
import { storeNode } from './graph/nodes/store-node.ts';
import { joinRepartition } from './join-repartition.ts';
import { STREAM } from './names.ts';
import { copartition, nextStage, type Stage } from './stage.ts';
import { recordBufferFactory } from './stores/special-store-factories.ts';

/** Joins a stream with a table of the same key: each stream record meets the row of that time. */
export function joinTable(given: Stage, table: AnyTable, joiner: AnyFunction, leftJoin: boolean, joined: AnyJoined = {}): Stage {
  const { graph } = given;
  const keySerde: Serde<unknown> | undefined = joined.key ?? given.keySerde;
  const valueSerde: Serde<unknown> | undefined = joined.value ?? given.valueSerde;
  const stage = joinRepartition(given, joined.name, keySerde, valueSerde);
  const sources = copartition(stage, table.stage);
  const name = graph.names.orGenerate(joined.name, leftJoin ? STREAM.leftJoin : STREAM.join);
  const rows = table.valueGetterSupplier();
  const graceMs = joined.grace === undefined ? undefined : toMillis(joined.grace, `grace of join ${name}`);
  const bufferStoreName = graceMs === undefined ? undefined : `${name}-Buffer`;
  if (graceMs !== undefined && bufferStoreName !== undefined) {
    checkGrace(table, graceMs, name);
    if (joined.name === undefined) graph.names.generated.addStore(bufferStoreName, true);
    const buffer = recordBufferFactory({ name: bufferStoreName, graceMs, keySerde, valueSerde });
    graph.addRoot(storeNode((config) => buffer.create(config), bufferStoreName));
  }
  const supplier = kstreamKTableJoin({ table: rows, joiner, leftJoin, graceMs, bufferStoreName });
  const node = plainNode({
    name,
    nullKeysJoin: leftJoin,
    lower: (lowering) => {
      addWrapped(lowering, name, supplier, lowering.parents);
      if (bufferStoreName !== undefined) lowering.topology.connect(name, bufferStoreName);
      for (const store of rows.storeNames) lowering.topology.connect(name, store);
    },
  });
  graph.add(node, stage.node);
  return nextStage(stage, node, { keySerde, valueSerde: undefined, sources, repartitionRequired: false });
}

function checkGrace(table: AnyTable, graceMs: number, name: string): void {
  const history = table.historyRetentionMs;
  if (history === undefined) {
    throw new TopologyError(
      `Join ${name} has a grace period, for which its table must be versioned: give the table a store from Stores.persistentVersionedKeyValueStore`,
      { operator: name },
    );
  }
  if (graceMs > history) {
    throw new TopologyError(
      `Join ${name} has a grace period of ${graceMs} ms but its table keeps only ${history} ms of history: the history must be at least as long`,
      { operator: name },
    );
  }
}
