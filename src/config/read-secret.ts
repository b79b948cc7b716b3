import { ReadFault } from './read-fault.js';
import { Secret } from './secret.js';

const FORMS = '{ file: PATH }, { env: NAME } or the text itself';

/** Reads a secret from where the configuration says it is. Never shows any of `source` but a path or a variable's name. */
export function readSecret(source: unknown, env: NodeJS.ProcessEnv, pollMs: number): Secret | ReadFault {
  if (source === undefined || source === null || source === '') {
    return new ReadFault(`must be set: ${FORMS}`);
  }
  if (typeof source === 'string') return Secret.of(source);
  if (typeof source !== 'object') return new ReadFault('must be text: put it in quotes');

  const [[kind, name] = [], ...more] = Object.entries(source);
  if (more.length === 0 && typeof name === 'string' && name !== '') {
    if (kind === 'env') return fromEnvironment(name, env);
    if (kind === 'file') return Secret.fromFile(name, pollMs);
  }
  return new ReadFault(`must be ${FORMS}`);
}

function fromEnvironment(name: string, env: NodeJS.ProcessEnv): Secret | ReadFault {
  const value = env[name];
  return value ? Secret.of(value) : new ReadFault(`the environment variable ${name} is not set or empty`);
}
