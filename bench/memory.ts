import { type Bench, machine, thousands } from './lib/bench.ts';
import { countDistinct } from './lib/count-distinct.ts';
import { figureLine } from './lib/report.ts';

/** Memory does not grow with the number of keys: a count of many keys, each once. */
export async function memory(bench: Bench): Promise<object> {
  const { keys, guarantee, instances } = bench.options;
  const { figures } = await countDistinct(bench, keys);
  console.log(`\nmemory, ${guarantee}, ${instances} instance${instances === 1 ? '' : 's'}, ${thousands(keys)} keys`);
  console.log(figureLine('Millrace', figures));
  return { workload: 'memory', guarantee, instances, keys, machine: machine(), millrace: figures };
}
