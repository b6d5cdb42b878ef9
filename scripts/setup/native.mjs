import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError, npm, ROOT, run } from './run.mjs';
import { ensureSystemPackages } from './system-packages.mjs';

/** The download of a prebuilt binary; where the host is cut off a connection may hang instead of failing. */
const DOWNLOAD_MS = 90_000;
const BUILD_MS = 25 * 60_000;

const SQLITE = 'better-sqlite3';
const KAFKA = '@confluentinc/kafka-javascript';

const LOADS = {
  [SQLITE]: `const Database = require('${SQLITE}'); new Database(':memory:').prepare('select sqlite_version()').get();`,
  [KAFKA]: `const kafka = require('${KAFKA}'); if (!kafka.librdkafkaVersion) throw new Error('no librdkafka'); new kafka.Producer({ 'bootstrap.servers': '127.0.0.1:1' });`,
};

/** Why the module does not load in a fresh process, or undefined when it does. */
async function whyNotLoaded(name) {
  try {
    await run(process.execPath, ['-e', LOADS[name]]);
    return undefined;
  } catch (error) {
    return error.output ?? error.message;
  }
}

/** Both native modules, whether or not a stamp says that they are there. */
export async function nativeModulesLoad() {
  return (await Promise.all(Object.keys(LOADS).map(whyNotLoaded))).every((reason) => reason === undefined);
}

export async function ensureSqlite(say) {
  if ((await whyNotLoaded(SQLITE)) === undefined) return;
  say(`${SQLITE}: fetching its binary, or building it from source (about a minute)`);
  await ensureTools(say, SQLITE);
  await build(SQLITE, () => npm(['rebuild', SQLITE], { env: headers(), timeoutMs: BUILD_MS }));
}

export async function ensureKafka(say) {
  if ((await whyNotLoaded(KAFKA)) === undefined) return;
  say(`${KAFKA}: fetching its binary`);
  try {
    const prebuilt = join(ROOT, 'node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp');
    await run(process.execPath, [prebuilt, 'install', '--fallback-to-build=false'], { cwd: join(ROOT, 'node_modules', KAFKA), timeoutMs: DOWNLOAD_MS });
    if ((await whyNotLoaded(KAFKA)) === undefined) return;
  } catch {
    // Unreachable, or none for this platform: the log has it.
  }
  say(`${KAFKA}: no binary for this machine can be fetched; building it from source (2 to 4 minutes)`);
  await ensureSystemPackages(say);
  // Linked against the system's libraries: its own static build downloads their sources from the same host.
  // One job: its makefiles do not name all that a target needs, and several jobs race.
  const env = { ...headers(), CKJS_LINKING: 'dynamic', npm_config_build_from_source: 'true', JOBS: undefined, MAKEFLAGS: undefined };
  await build(KAFKA, () => npm(['rebuild', KAFKA], { env, timeoutMs: BUILD_MS }));
}

async function build(name, start) {
  try {
    await start();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const hint = /headers|node\.h|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|getaddrinfo/i.test(error.output) ? headersHint() : '';
    throw new Error(`${name} could not be built.${hint}\nThe end of its output:\n\n${error.output}`);
  }
  const reason = await whyNotLoaded(name);
  if (reason !== undefined) throw new Error(`${name} was built but does not load:\n\n${reason}`);
}

/** Where this Node.js brought its own headers, node-gyp need not download them. */
function headers() {
  const prefix = nodePrefix();
  return prefix === undefined || process.env.npm_config_nodedir !== undefined ? {} : { npm_config_nodedir: prefix };
}

function nodePrefix() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include/node/node.h')) ? prefix : undefined;
}

function headersHint() {
  if (nodePrefix() !== undefined) return '';
  return (
    ` node-gyp needs the headers of Node.js ${process.version}, which are not installed beside it, and could not download them. ` +
    'Install them (Debian: libnode-dev, or the headers tarball of the same version) and name the folder that holds include/node/node.h: ' +
    'npm_config_nodedir=<folder> npm run setup'
  );
}

/** A compiler is needed only where no prebuilt binary fits, so its absence is no error yet. */
async function ensureTools(say, name) {
  try {
    await run('make', ['--version']);
    await run('c++', ['--version']);
  } catch {
    say(`${name}: no C++ compiler here; a prebuilt binary has to do`);
  }
}
