import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const LOG = join(ROOT, '.cache', 'setup.log');

/** How much of a failed command's output is shown, of its beginning and of its end; all of it is in the log. */
const SHOWN = 1500;

/** A command failed. npm says why first, compilers last: `output` has both. */
export class CommandError extends Error {
  constructor(command, reason, output) {
    super(`${command}: ${reason}`);
    this.output = (output.length <= 2 * SHOWN ? output : `${output.slice(0, SHOWN)}\n[...]\n${output.slice(-SHOWN)}`).trim();
  }
}

/**
 * Run a command quietly: its output goes to the log.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, timeoutMs?: number }} [options]
 * @returns {Promise<string>} the output
 */
export function run(command, args, options = {}) {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const log = createWriteStream(LOG, { flags: 'a' });
  const line = [command, ...args].join(' ');
  log.write(`\n$ ${line}\n`);
  return new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
      // A group of its own, so that a deadline ends a build's compilers too.
      detached: process.platform !== 'win32',
    });
    const end = () => {
      try {
        process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    };
    process.once('exit', end);
    let timedOut = false;
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            end();
          }, options.timeoutMs);
    const take = (chunk) => {
      output = (output + chunk).slice(-65_536);
      log.write(chunk);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const finish = (failure) => {
      clearTimeout(timer);
      process.off('exit', end);
      log.end();
      if (failure === undefined) resolve(output);
      else reject(new CommandError(line, failure, output));
    };
    child.once('error', (error) => finish(error.message));
    child.once('close', (code, signal) => {
      if (timedOut) finish(`no end after ${options.timeoutMs / 1000} s`);
      else finish(code === 0 ? undefined : `exit code ${code ?? signal}`);
    });
  });
}

/** npm, the one that runs this script where one does. */
export function npm(args, options) {
  const cli = process.env.npm_execpath;
  // With pnpm or yarn as the runner, the plain npm of the path.
  if (cli !== undefined && /npm-cli\.c?js$/.test(cli)) return run(process.execPath, [cli, ...args], options);
  return run('npm', args, options);
}
