import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PEER = join(ROOT, 'bench/peers/kafka-streams');

/** Where the programs that run on the built library lie, compiled. */
export const PROGRAMS = join(ROOT, '.cache/programs');

/** The library as it is published, and the programs that run it with plain Node.js. */
export function buildLibrary(): void {
  if (newest(join(ROOT, 'src')) > newest(join(ROOT, 'dist'))) run('npx', ['tsc', '-p', 'tsconfig.build.json'], ROOT);
  run('npx', ['tsc', '-p', 'bench/tsconfig.peer.json'], ROOT);
}

/** The Java peer. Returns its class path. */
export function buildJavaPeer(): string {
  const jar = join(PEER, 'target/peer.jar');
  const sources = Math.max(newest(join(PEER, 'src')), statSync(join(PEER, 'pom.xml')).mtimeMs);
  if (!existsSync(jar) || statSync(jar).mtimeMs < sources)
    run('mvn', ['-q', '-B', 'package'], PEER, 'Building the Java peer needs Maven and a JDK of version 17 or later');
  return `${jar}:${join(PEER, 'target/libs')}/*`;
}

function run(command: string, args: string[], cwd: string, hint = ''): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] });
  if (error !== undefined || status !== 0)
    throw new Error(`'${command} ${args.join(' ')}' failed${error === undefined ? ` with exit code ${status}` : `: ${error.message}`}. ${hint}`);
}

/** Time of the newest file under a directory; 0 when there is none. */
function newest(directory: string): number {
  if (!existsSync(directory)) return 0;
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((latest, entry) => Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs), 0);
}
