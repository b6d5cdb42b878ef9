import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { documentationProblems } from '../../scripts/docs/document.ts';
import { loadExamples } from '../../scripts/docs/examples.ts';
import { runExample, traceLines } from './run-example.ts';

const examples = await loadExamples();

describe('the examples of docs/operators.md do what it says', () => {
  for (const { name, example } of examples) {
    it(name, async () => assert.deepEqual(await runExample(example), traceLines(example.trace)));
  }
});

it('docs/operators.md shows every example as it is', () => {
  assert.deepEqual(documentationProblems(examples), [], 'run "npm run docs"');
});
