import { isWordLike } from './problem.js';
import { ReadFault } from './read-fault.js';
import { Secret } from './secret.js';
import type { SecretForm } from './secret-text.js';

const FORMS = '{ file: PATH }, { env: NAME } or the text itself';

/** How a secret is read. */
export interface ReadSecretOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly pollMs: number;
  /** A file that is missing, empty or not as it should be may come later. */
  readonly mayAwaitFile: boolean;
}

/** Reads a secret from where the configuration says it is. Never shows any of `source` but a path or a variable's name. */
export function readSecret(
  source: unknown,
  form: SecretForm,
  { env, pollMs, mayAwaitFile }: ReadSecretOptions,
): Secret | ReadFault {
  if (source === undefined || source === null || source === '') {
    return new ReadFault(`must be set: ${FORMS}`);
  }
  if (typeof source === 'string') return Secret.fromText(source, form);
  if (typeof source !== 'object') return new ReadFault('must be text: put it in quotes');

  const [[kind, name] = [], ...more] = Object.entries(source);
  if (more.length === 0 && typeof name === 'string' && name !== '') {
    if (kind === 'env') return fromEnvironment(name, form, env);
    if (kind === 'file') {
      const secret = Secret.fromFile(name, pollMs, form);
      const isAwaited = secret instanceof ReadFault && mayAwaitFile;
      return isAwaited ? Secret.awaitFile(name, pollMs, form, secret) : secret;
    }
  }
  return new ReadFault(`must be ${FORMS}`);
}

function fromEnvironment(name: string, form: SecretForm, env: NodeJS.ProcessEnv): Secret | ReadFault {
  const value = env[name];
  if (value) return Secret.fromText(value, form);
  const shown = isWordLike(name) ? ` ${name}` : ' (its name is not shown: it may be the secret itself)';
  return new ReadFault(`the environment variable${shown} is not set or empty`);
}
