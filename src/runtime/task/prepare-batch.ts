import type { ConsumedMessage } from '../../kafka/contract.ts';
import type { PrepareItem, Serde } from '../../serdes/serde.ts';
import type { TaskNodes } from './task-nodes.ts';

/** Hands the messages of a polled batch to those serdes of a task's sources that need I/O before they can decode. */
export class PrepareBatch {
  readonly needed: boolean;
  private readonly nodes: TaskNodes;

  constructor(nodes: TaskNodes) {
    this.nodes = nodes;
    this.needed = [...nodes.sourceNodes].some((source) => source.keySerde.prepare !== undefined || source.valueSerde.prepare !== undefined);
  }

  async run(messages: readonly ConsumedMessage[]): Promise<void> {
    const items = new Map<Serde<unknown>, PrepareItem[]>();
    for (const { topic, key, value } of messages) {
      const source = this.nodes.sourceOf(topic);
      if (source === undefined) continue;
      collect(items, source.keySerde, topic, key);
      collect(items, source.valueSerde, topic, value);
    }
    await Promise.all([...items].map(([serde, batch]) => serde.prepare?.(batch)));
  }
}

function collect(items: Map<Serde<unknown>, PrepareItem[]>, serde: Serde<unknown>, topic: string, data: Buffer | null): void {
  if (serde.prepare === undefined || data === null) return;
  const batch = items.get(serde);
  if (batch === undefined) items.set(serde, [{ topic, data }]);
  else batch.push({ topic, data });
}
