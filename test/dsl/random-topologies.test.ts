import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { StreamsError } from '../../src/errors.ts';
import { buildRandomTopology } from './random-topology.ts';

interface RandomCase {
  readonly script: readonly string[];
  /** What Kafka Streams 4.3.0 printed. */
  readonly describe?: string;
  /** What it refused with. */
  readonly error?: string;
}

const cases: readonly RandomCase[] = JSON.parse(gunzipSync(readFileSync(new URL('./data/random-topologies.json.gz', import.meta.url))).toString());

/** Topologies put together at random, built by Kafka Streams 4.3.0 too: generated names, spare indices, optimisations and the order in describe() must be the same. */
describe('random topologies', () => {
  it('describe as Kafka Streams describes them', () => {
    const described = cases.filter((one) => one.describe !== undefined);
    assert.ok(described.length >= 400);
    for (const { script, describe: expected } of described) {
      const topology = buildRandomTopology(script);
      assert.equal(String(topology.describe()), expected, script.join('\n'));
    }
  });

  it('are refused where Kafka Streams refuses them', () => {
    const refused = cases.filter((one) => one.error !== undefined);
    assert.ok(refused.length >= 20);
    for (const { script, error } of refused) {
      assert.throws(
        () => buildRandomTopology(script),
        (thrown) => thrown instanceof StreamsError,
        `${error}\n${script.join('\n')}`,
      );
    }
  });

  it('can be planned: every topic has one name, every store one plan, every child a node', () => {
    for (const { script } of cases.filter((one) => one.describe !== undefined)) {
      const plan = buildRandomTopology(script).plan({ applicationId: 'app' });
      const storeNames = plan.subtopologies.flatMap((part) => part.stores.map((store) => store.builder.name));
      assert.equal(new Set(storeNames).size, storeNames.length, script.join('\n'));
      for (const part of plan.subtopologies) {
        const seen = new Set<string>();
        const parents = new Map(part.nodes.flatMap((node) => node.children.map((child) => [child, node.name] as const)));
        for (const node of part.nodes) {
          assert.ok(node.kind === 'source' || seen.has(parents.get(node.name) as string), `${node.name} stands before its parent`);
          seen.add(node.name);
        }
        for (const child of parents.keys()) assert.ok(seen.has(child), `${child} is not in the plan`);
      }
    }
  });
});
