import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PROGRAMS } from './build.ts';
import { profileArguments } from './contestants.ts';

/** Runs a program of the peers with a JSON argument to its end. @returns the message that it sends */
export async function runProgram<T>(program: string, argument: object): Promise<T> {
  const child = fork(join(PROGRAMS, program), [JSON.stringify(argument)], { execArgv: profileArguments(0), stdio: ['ignore', 2, 2, 'ipc'] });
  let answer: T | undefined;
  child.once('message', (message) => {
    answer = message as T;
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0 || answer === undefined)
    throw new Error(`${program} ended with ${signal ?? `code ${code}`}${answer === undefined ? ' and without an answer' : ''}: see its output above`);
  return answer;
}
