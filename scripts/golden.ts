import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { type GoldenDifference, type GoldenTopologies, goldenFiles, readGolden, runGolden } from '../src/testing/golden/index.ts';

interface Options {
  readonly topologies: string;
  readonly json?: string;
  readonly only?: string;
  readonly show: string;
}

interface Result {
  readonly file: string;
  readonly name: string;
  readonly passed: boolean;
  readonly differences: readonly GoldenDifference[];
}

async function loadTopologies(module: string): Promise<GoldenTopologies> {
  const loaded = (await import(pathToFileURL(resolve(module)).href)) as { topologies?: GoldenTopologies; default?: GoldenTopologies };
  const topologies = loaded.topologies ?? loaded.default;
  if (topologies === undefined) throw new Error(`${module} exports neither topologies nor a default`);
  return topologies;
}

function run(directory: string, file: string, topologies: GoldenTopologies): Result {
  const { golden } = readGolden(directory, file);
  const build = topologies[golden.name];
  const differences = build === undefined ? [{ message: `the module has no topology named ${golden.name}` }] : runGolden(golden, build);
  return { file, name: golden.name, passed: differences.length === 0, differences };
}

function print({ file, differences }: Result, show: number): void {
  console.log(`FAILED ${file}: ${differences.length} difference${differences.length === 1 ? '' : 's'}`);
  for (const { step, message } of differences.slice(0, show)) console.log(`    ${step === undefined ? '' : `step ${step}: `}${message}`);
}

const program = new Command('golden')
  .description('Run recorded cases of Kafka Streams (*.json, *.json.gz) over topologies of this library, and compare every byte.')
  .argument('<directory>', 'folder of the cases')
  .option('--topologies <module>', 'module that exports `topologies`: case name → (builder, config) => Topology | void', 'test/goldens/cases/index.ts')
  .option('--json <file>', 'write the results there')
  .option('--only <regexp>', 'only cases whose file name matches')
  .option('--show <n>', 'differences shown for a failed case', '3')
  .action(async (directory: string, options: Options) => {
    const topologies = await loadTopologies(options.topologies);
    const only = new RegExp(options.only ?? '');
    const files = goldenFiles(directory).filter((file) => only.test(file));
    const results = files.map((file) => run(directory, file, topologies));
    for (const result of results) if (!result.passed) print(result, Number(options.show));
    const failed = results.filter(({ passed }) => !passed).length;
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ passed: results.length - failed, failed, results }, null, 1)}\n`);
    console.log(`${results.length - failed} passed, ${failed} failed`);
    if (failed > 0 || results.length === 0) process.exitCode = 1;
  });

await program.parseAsync();
