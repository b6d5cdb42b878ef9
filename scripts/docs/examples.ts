import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import ts from 'typescript';
import type { Example } from '../../test/docs/example.ts';

const FOLDER = new URL('../../test/docs/operators/', import.meta.url);

/** An example and the lines of its topology, as they stand in the source. */
export interface SourcedExample {
  readonly name: string;
  readonly example: Example;
  readonly source: string;
}

/** Every example of every module in the folder. */
export async function loadExamples(): Promise<SourcedExample[]> {
  const loaded: SourcedExample[] = [];
  for (const file of readdirSync(FOLDER).sort()) {
    const url = new URL(file, FOLDER);
    const sources = topologySources(basename(file), readFileSync(url, 'utf8'));
    for (const [name, example] of Object.entries((await import(url.href)) as { [name: string]: Example })) {
      const source = sources.get(name);
      if (source === undefined) throw new Error(`Example ${name} of ${file} has no method topology(builder)`);
      loaded.push({ name, example, source });
    }
  }
  return loaded;
}

/** The body of each exported constant's method `topology`. */
function topologySources(file: string, text: string): Map<string, string> {
  const sources = new Map<string, string>();
  const root = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  for (const statement of root.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (initializer === undefined || !ts.isObjectLiteralExpression(initializer)) continue;
      const method = initializer.properties.find((property) => ts.isMethodDeclaration(property) && property.name.getText() === 'topology');
      if (method === undefined || !ts.isMethodDeclaration(method) || method.body === undefined) continue;
      sources.set(name.getText(), dedent(text.slice(method.body.getStart() + 1, method.body.end - 1)));
    }
  }
  return sources;
}

/** Without the indentation that all lines share, and without empty lines around. */
export function dedent(text: string): string {
  const lines = text
    .replace(/^\s*\n/, '')
    .trimEnd()
    .split('\n');
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length));
  return lines.map((line) => line.slice(indent)).join('\n');
}
