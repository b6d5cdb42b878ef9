import { type Bench, runOptions, say, thousands } from './bench.ts';
import { partitionsOf } from './cluster.ts';
import { type RunOptions, startMillrace } from './contestants.ts';
import { INPUT_PARTITIONS, produceInput } from './input.ts';
import { distinctUsers } from './inputs/distinct-users.ts';
import { type Figures, measure } from './measure.ts';

/**
 * The library counts page views of `keys` users, one each, and ends.
 * @returns the figures, and with which options it ran: its state and topics are left
 * @throws Error when a user is missing in its output, or counted more than once
 */
export async function countDistinct(bench: Bench, keys: number): Promise<{ figures: Figures; run: RunOptions }> {
  const { options, cluster, id } = bench;
  const input = `${id}-input`;
  say(`${thousands(keys)} page views of as many users into ${input} on ${cluster.bootstrapServers}`);
  await produceInput(cluster, [input], distinctUsers({ topic: input, records: keys, users: keys, seed: options.seed }), keys);
  const run = runOptions(bench, 'count', `${id}-millrace`, input);
  await cluster.createTopic(run.output, INPUT_PARTITIONS);
  const contestant = startMillrace(run);
  try {
    const figures = await measure(cluster, contestant, run.applicationId, [input]);
    await checkCounts(bench, run.output, keys);
    return { figures, run };
  } finally {
    await contestant.stop();
  }
}

async function checkCounts({ cluster }: Bench, output: string, keys: number): Promise<void> {
  let counted = 0;
  let wrong = 0;
  await cluster.readToEnd(partitionsOf(output, INPUT_PARTITIONS), ({ value }) => {
    if (value?.readBigInt64BE() === 1n) counted += 1;
    else wrong += 1;
  });
  if (counted !== keys || wrong > 0)
    throw new Error(`${counted} of ${keys} users were counted once, and there are ${wrong} other results: no figure is worth anything`);
}
