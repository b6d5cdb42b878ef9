import { isDeepStrictEqual } from 'node:util';
import type { TopologyConfig } from '../../dsl/build-config.ts';
import { StreamsBuilder } from '../../dsl/streams-builder.ts';
import { ConfigError } from '../../errors.ts';
import type { Header } from '../../processor/headers.ts';
import { serdes } from '../../serdes/serdes.ts';
import type { Topology } from '../../topology/topology.ts';
import { TopologyTestDriver } from '../topology-test-driver.ts';
import type { GoldenCase, GoldenPipe, GoldenScalar } from './golden-case.ts';
import { goldenConfig } from './golden-config.ts';
import { compareRecords, type GoldenDifference } from './golden-diff.ts';
import { storeContents } from './golden-stores.ts';

/** Builds a case's topology: with the builder, or by hand, and then returns it. */
// biome-ignore lint/suspicious/noConfusingVoidType: a case that only uses the builder has no return statement
export type GoldenTopology = (builder: StreamsBuilder, config: TopologyConfig) => Topology | void;

/** Cases by name; both variants of a case share the topology. */
export type GoldenTopologies = { readonly [name: string]: GoldenTopology };

/**
 * Run a case's steps over a topology and compare everything with what Kafka Streams did: every record of every topic, changelogs and repartition
 * topics included, the stores at the end, the dropped records, where it fails, and `describe()`. Returns the differences; none is a pass.
 */
export function runGolden(golden: GoldenCase, build: GoldenTopology): GoldenDifference[] {
  const config = goldenConfig(golden.config);
  let topology: Topology;
  let driver: TopologyTestDriver;
  try {
    const builder = new StreamsBuilder(config.topology);
    topology = build(builder, config.topology) ?? builder.build();
    driver = new TopologyTestDriver(topology, config.streams);
  } catch (error) {
    return golden.buildError === undefined ? [{ message: `building the topology failed: ${describeError(error)}` }] : [];
  }
  try {
    if (golden.buildError !== undefined) return [{ message: `building the topology should fail as in Java: ${golden.buildError.message ?? ''}` }];
    return [...compareDescription(golden, topology), ...runSteps(golden, driver)];
  } finally {
    driver.close();
  }
}

function compareDescription(golden: GoldenCase, topology: Topology): GoldenDifference[] {
  const stable = (text: string): string => text.replace(/\(extractor class: [^)]*\)/g, '(extractor class: *)');
  const ours = stable(topology.describe().toString());
  const theirs = stable(golden.describe ?? '');
  if (ours === theirs) return [];
  const ourLines = ours.split('\n');
  const theirLines = theirs.split('\n');
  const at = theirLines.findIndex((line, i) => line !== ourLines[i]);
  const line = at < 0 ? theirLines.length : at;
  return [
    { message: `describe() differs at line ${line + 1}\n      expected ${theirLines[line] ?? 'the end'}\n      actual   ${ourLines[line] ?? 'the end'}` },
  ];
}

function runSteps(golden: GoldenCase, driver: TopologyTestDriver): GoldenDifference[] {
  const differences: GoldenDifference[] = [];
  for (const [i, step] of golden.steps.entries()) {
    const shouldFail = golden.error?.step === i;
    try {
      if (step.pipe !== undefined) pipe(golden, driver, step.pipe);
      if (step.advanceWallClockMs !== undefined) driver.advanceWallClockTime(step.advanceWallClockMs);
    } catch (error) {
      // Java's driver shows nothing of a step that failed.
      if (!shouldFail) differences.push({ step: i, message: `failed: ${describeError(error)}` });
      return differences;
    }
    if (shouldFail) differences.push({ step: i, message: `should fail as in Java: ${golden.error?.rootMessage ?? ''}` });
    differences.push(...compareRecords(i, driver.takeProduced(), golden.expected[i] ?? []));
  }
  differences.push(...compareStores(golden, driver));
  const dropped = golden.metrics?.['dropped-records-total'];
  const ourDropped = driver.metrics().droppedRecords;
  if (dropped !== undefined && dropped !== ourDropped) differences.push({ message: `dropped-records-total: expected ${dropped}, actual ${ourDropped}` });
  return differences;
}

function compareStores(golden: GoldenCase, driver: TopologyTestDriver): GoldenDifference[] {
  const differences: GoldenDifference[] = [];
  for (const name of Object.keys(golden.stores ?? {})) {
    if (!driver.getAllStateStores().has(name)) {
      differences.push({ message: `there is no store ${name}` });
      continue;
    }
    const contents = storeContents(golden, driver, name);
    if (contents === undefined) {
      differences.push({ message: `store ${name} is of a kind that cannot be read (${driver.builderOf(name)?.kind})` });
      continue;
    }
    const { actual, expected } = contents;
    const length = Math.max(actual.length, expected.length);
    for (let i = 0; i < length; i++) {
      if (isDeepStrictEqual(actual[i], expected[i])) continue;
      differences.push({
        message: `store ${name}, entry ${i}\n      expected ${JSON.stringify(expected[i]) ?? 'nothing'}\n      actual   ${JSON.stringify(actual[i]) ?? 'nothing'}`,
      });
    }
  }
  return differences;
}

function pipe(golden: GoldenCase, driver: TopologyTestDriver, { topic, key, value, valueHex, ts, headers }: GoldenPipe): void {
  const types = golden.inputs[topic];
  if (types === undefined) throw new ConfigError(`The golden case pipes into ${topic}, which is not among its inputs`);
  const data = valueHex === undefined ? encode(types.value, value ?? null) : valueHex === null ? null : Buffer.from(valueHex, 'hex');
  const given = (headers ?? []).map(([name, hex]): Header => [name, hex === null ? null : Buffer.from(hex, 'hex')]);
  driver.pipeRaw(topic, encode(types.key, key), data, ts, given);
}

function encode(type: string, value: GoldenScalar): Buffer | null {
  if (value === null) return null;
  if (type === 'string') return serdes.string.serialize('', String(value));
  if (type === 'long') return serdes.long.serialize('', Number(value));
  if (type === 'bytes') return Buffer.from(String(value), 'hex');
  throw new ConfigError(`The golden case has an input of type ${type}, which the runner does not know`);
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
