import { documentationProblems, writeExamples } from './document.ts';
import { loadExamples } from './examples.ts';

/* `npm run docs`: brings the examples in docs/operators.md up to their sources in test/docs/operators. */
const examples = await loadExamples();
writeExamples(examples);
const problems = documentationProblems(examples);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
