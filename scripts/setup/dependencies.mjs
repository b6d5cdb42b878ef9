import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, ROOT } from './run.mjs';

/**
 * Packages as in the lockfile, without their install scripts: the two native ones are built afterwards, each with what it needs.
 * @param {(line: string) => void} say
 */
export async function installDependencies(say) {
  if (installedAsLocked()) return;
  say('installing packages');
  await npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
}

/** True when node_modules holds what package-lock.json says; npm notes there what it has installed. */
function installedAsLocked() {
  const noted = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(noted)) return false;
  const installed = JSON.parse(readFileSync(noted, 'utf8')).packages;
  const locked = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  for (const [path, entry] of Object.entries(locked)) {
    if (path === '' || entry.link === true) continue;
    const here = installed[path];
    // Optional ones are for other platforms where they are missing.
    if (here === undefined ? entry.optional !== true : here.version !== entry.version || !existsSync(join(ROOT, path))) return false;
  }
  return true;
}
