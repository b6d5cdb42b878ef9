import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { goldenFiles, readGolden, runGolden } from '../../src/testing/golden/index.ts';
import { topologies } from './cases/index.ts';

const DATA = fileURLToPath(new URL('./data', import.meta.url));
/** More random steps over topologies of `data`, in the same form, with other caches and engines; without the stores' contents. The last part of a name is the variant. */
const EXTRA = fileURLToPath(new URL('./extra', import.meta.url));
/** Differences shown for a case that fails. */
const SHOWN = 5;

/** What Kafka Streams 4.3 did, byte for byte; data/README.md says how the cases were made. */
describe('goldens', () => {
  const files = goldenFiles(DATA);

  it('every topology has cases and every case a topology', () => {
    const names = new Set(files.map((file) => file.replace(/(\.fuzz)?\.json\.gz$/, '')));
    assert.deepEqual([...names].sort(), Object.keys(topologies).sort());
    assert.equal(files.length, 333);
  });

  for (const file of files) it(file.replace('.json.gz', ''), () => check(DATA, file));
});

describe('extra goldens', () => {
  for (const file of goldenFiles(EXTRA)) it(file.replace('.json.gz', ''), () => check(EXTRA, file));
});

function check(directory: string, file: string): void {
  const { golden } = readGolden(directory, file);
  const build = topologies[golden.name];
  assert.ok(build !== undefined, `there is no topology named ${golden.name}`);
  const differences = runGolden(golden, build);
  const shown = differences.slice(0, SHOWN).map(({ step, message }) => `  ${step === undefined ? '' : `step ${step}: `}${message}`);
  assert.equal(differences.length, 0, `${golden.feature}: ${differences.length} differences\n${shown.join('\n')}`);
}
