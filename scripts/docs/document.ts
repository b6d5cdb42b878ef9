import { readFileSync, writeFileSync } from 'node:fs';
import { dedent, type SourcedExample } from './examples.ts';

const DOCUMENT = new URL('../../docs/operators.md', import.meta.url);
const BLOCK = /<!-- example: (\w+) -->\n[\s\S]*?<!-- end -->/g;

/** What is wrong with the examples in the document: none missing, none unknown, each as its source has it. */
export function documentationProblems(examples: readonly SourcedExample[]): string[] {
  const text = readFileSync(DOCUMENT, 'utf8');
  const shown = [...text.matchAll(BLOCK)].map(([, name]) => name as string);
  const known = new Set(examples.map(({ name }) => name));
  return [
    ...examples.filter(({ name }) => !shown.includes(name)).map(({ name }) => `the example ${name} is not shown`),
    ...shown.filter((name) => !known.has(name)).map((name) => `there is no example ${name}`),
    ...shown.filter((name, i) => shown.indexOf(name) < i).map((name) => `the example ${name} is shown twice`),
    ...(text === withExamples(text, examples) ? [] : ['examples differ from their sources']),
  ];
}

/** Puts each example's source and trace between its marks. */
export function writeExamples(examples: readonly SourcedExample[]): void {
  writeFileSync(DOCUMENT, withExamples(readFileSync(DOCUMENT, 'utf8'), examples));
}

function withExamples(text: string, examples: readonly SourcedExample[]): string {
  const blocks = new Map(examples.map((example) => [example.name, block(example)]));
  return text.replace(BLOCK, (found, name: string) => blocks.get(name) ?? found);
}

function block({ name, example, source }: SourcedExample): string {
  return `<!-- example: ${name} -->\n\n\`\`\`ts\n${source}\n\`\`\`\n\n\`\`\`text\n${dedent(example.trace)}\n\`\`\`\n\n<!-- end -->`;
}
