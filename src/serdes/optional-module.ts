import { createRequire } from 'node:module';
import { ConfigError } from '../errors.ts';

const require = createRequire(import.meta.url);

/**
 * An optional peer dependency, loaded when first needed.
 * @throws ConfigError that says what to install when it is absent.
 */
export function optionalModule<T>(name: string, neededFor: string): T {
  try {
    return require(name) as T;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    throw new ConfigError(`${neededFor} needs the package ${name}, which is not installed: run "npm install ${name}"`, { cause });
  }
}
