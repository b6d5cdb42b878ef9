#!/usr/bin/env node
/*
 * Makes a fresh clone runnable: `npm run setup`. Needs nothing but Node.js and npm; `npm test` and `npm run demo` call it first.
 * A second run sees from its stamp that there is nothing to do.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installDependencies } from './setup/dependencies.mjs';
import { ensureKafka, ensureSqlite, nativeModulesLoad } from './setup/native.mjs';
import { CommandError, LOG, ROOT } from './setup/run.mjs';

const STAMP = join(ROOT, 'node_modules', '.millrace-setup');
const MINIMUM = [20, 12];

/** What the set-up depends on: other packages or another Node.js need another one. */
function fingerprint() {
  const lock = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  return [lock, process.versions.modules, process.platform, process.arch].join(' ');
}

function isStamped() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === fingerprint();
}

/** @param {{ quiet?: boolean }} [options] quiet: nothing is printed where there is nothing to do */
export async function setup(options = {}) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < MINIMUM[0] || (major === MINIMUM[0] && minor < MINIMUM[1])) {
    throw new Error(`Node.js ${MINIMUM.join('.')} or later is needed; this is ${process.versions.node}`);
  }
  const started = Date.now();
  const say = (line) => console.log(`[setup] ${line}`);
  if (isStamped() && (await nativeModulesLoad())) {
    if (options.quiet !== true) say('everything is in place');
    return;
  }
  await installDependencies(say);
  await ensureSqlite(say);
  await ensureKafka(say);
  writeFileSync(STAMP, fingerprint());
  say(`done in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** Says what went wrong, for people, and ends the process. */
export function fail(error) {
  console.error(`[setup] failed: ${error.message}`);
  if (error instanceof CommandError) console.error(`\n${error.output}`);
  console.error(`\nThe whole output is in ${LOG}`);
  process.exit(1);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  setup({ quiet: process.argv.includes('--quiet') }).catch(fail);
}
