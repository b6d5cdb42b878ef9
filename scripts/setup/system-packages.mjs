import { existsSync } from 'node:fs';
import { CommandError, run } from './run.mjs';

/** What building librdkafka and its binding against the system's libraries takes, by package manager. */
const PACKAGES = {
  'apt-get': ['g++', 'make', 'python3', 'libcurl4-openssl-dev', 'libssl-dev', 'libsasl2-dev', 'libzstd-dev', 'liblz4-dev', 'zlib1g-dev'],
  apk: ['g++', 'make', 'python3', 'bash', 'linux-headers', 'curl-dev', 'openssl-dev', 'cyrus-sasl-dev', 'zstd-dev', 'lz4-dev', 'zlib-dev'],
  dnf: ['gcc-c++', 'make', 'python3', 'libcurl-devel', 'openssl-devel', 'cyrus-sasl-devel', 'libzstd-devel', 'lz4-devel', 'zlib-devel'],
  brew: ['curl', 'openssl@3', 'cyrus-sasl', 'zstd', 'lz4', 'zlib'],
};

const PROBE = '#include <curl/curl.h>\\n#include <openssl/ssl.h>\\n#include <sasl/sasl.h>\\n#include <zstd.h>\\n#include <lz4.h>\\n#include <zlib.h>\\n';

/**
 * Compilers and headers for the source build. Installs them where this process may; else says exactly what to install.
 * @param {(line: string) => void} say
 */
export async function ensureSystemPackages(say) {
  if (await complete()) return;
  const manager = packageManager();
  const packages = manager === undefined ? PACKAGES['apt-get'] : PACKAGES[manager];
  if ((await install(manager, packages, say)) && (await complete())) return;
  throw new Error(
    `Building @confluentinc/kafka-javascript needs a C++ compiler, make, python3 and some libraries' headers.\n${advice(manager, packages)}\nThen run npm run setup again.`,
  );
}

/**
 * Maven, which fetches Apache Kafka's jars for the tests. Installs it where this process may; else says how.
 * @param {(line: string) => void} say
 */
export async function ensureMaven(say) {
  if (await runs('mvn', ['-version'])) return;
  const manager = packageManager();
  if ((await install(manager, ['maven'], say)) && (await runs('mvn', ['-version']))) return;
  throw new Error(`Apache Kafka's jars are fetched by Maven, which is not installed. ${advice(manager, ['maven'])}`);
}

/** True when the packages were installed: false where this process may not. */
async function install(manager, packages, say) {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || (manager !== 'apt-get' && manager !== 'apk')) return false;
  say(`installing what is missing: ${packages.join(' ')}`);
  try {
    if (manager === 'apt-get') {
      await run('apt-get', ['update', '-q'], { timeoutMs: 300_000 });
      await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: 600_000 });
    } else {
      await run('apk', ['add', '--no-cache', ...packages], { timeoutMs: 600_000 });
    }
    return true;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new Error(`The system packages could not be installed. ${advice(manager, packages)}\n\n${error.output}`);
  }
}

async function runs(command, args) {
  try {
    await run(command, args);
    return true;
  } catch {
    return false;
  }
}

async function complete() {
  try {
    await run('make', ['--version']);
    await run('python3', ['--version']);
    await run('sh', ['-c', `printf '${PROBE}' | c++ -E -x c++ - -o /dev/null`]);
    return true;
  } catch {
    return false;
  }
}

function packageManager() {
  for (const manager of Object.keys(PACKAGES)) {
    if (['/usr/bin', '/bin', '/sbin', '/usr/sbin', '/opt/homebrew/bin', '/usr/local/bin'].some((folder) => existsSync(`${folder}/${manager}`))) return manager;
  }
  return undefined;
}

function advice(manager, packages) {
  const install = manager === 'apk' ? 'apk add' : manager === 'brew' ? 'brew install' : `sudo ${manager ?? 'apt-get'} install`;
  const names = packages.join(' ');
  return manager === undefined ? `Install the equivalents of Debian's: ${names}` : `Run: ${install} ${names}`;
}
