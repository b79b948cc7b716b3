import { unwatchFile, watchFile } from 'node:fs';
import { inspect } from 'node:util';
import { isWordLike, ReadFault, shownPath } from './faults.js';
import { readText } from './read-file.js';
import { readSecretText, type SecretForm, type SecretText } from './secret-text.js';

const HIDDEN = '[secret]';
const NOTHING = (): void => undefined;
const MAX_BYTES = 64 * 1024;
const SOURCES = '{ file: PATH }, { env: NAME } or the text itself';

/**
 * A text that must not leak: turned into a string, into JSON or inspected, it reads `[secret]`. One that came from a
 * file follows the file while somebody listens.
 */
export class Secret {
  #value: string;
  #fault: string | null = null;
  #isUnreadable = false;
  readonly #file: SecretFile | null;
  /** Null of a text that came from no file, and never changes. */
  readonly #listeners: Set<SecretListener> | null;
  /** What the watch calls; one for as long as there is a file. */
  readonly #reread: () => void;

  private constructor(
    value: string,
    file: SecretFile | null,
    /** What stood around the text when it was first read and was dropped, in words; null if nothing did. */
    readonly dropped: string | null,
  ) {
    this.#value = value;
    this.#file = file;
    this.#listeners = file && new Set();
    this.#reread =
      file === null
        ? NOTHING
        : () => {
            this.#read();
          };
  }

  /** A text that is known to be right. */
  static of(value: string): Secret {
    return new Secret(value, null, null);
  }

  /** A text that does not change, by the rule of `readSecretText`. */
  static fromText(value: string, form: SecretForm): Secret | ReadFault {
    const read = readSecretText(value, form);
    return read instanceof ReadFault ? read : new Secret(read.text, null, read.dropped);
  }

  /** The file's content by the rule of `readSecretText`; looked at every `pollMs` while somebody listens. */
  static fromFile(path: string, pollMs: number, form: SecretForm): Secret | ReadFault {
    const file = { path, pollMs, form };
    const read = readSecretFile(file);
    return read instanceof ReadFault ? read : new Secret(read.text, file, read.dropped);
  }

  /** One whose file is not there, or not as it should be, yet. `fault` says why. */
  static awaitFile(path: string, pollMs: number, form: SecretForm, fault: ReadFault): Secret {
    const secret = new Secret('', { path, pollMs, form }, null);
    secret.#fault = fault.text;
    return secret;
  }

  /** Why there is no text yet; null if there is one. */
  get fault(): string | null {
    return this.#fault;
  }

  /** The text itself, now; empty while there is none. */
  value(): string {
    return this.#value;
  }

  /**
   * Calls back with each new content of the file until the returned function is called. A file that cannot be read, is
   * empty or has not the secret's form keeps the value it had; `onError` is told why, without content, and `onBack` when
   * it can be read again and has the value that it had.
   */
  onChange(
    onValue: (value: string) => void,
    onError: (reason: string) => void = () => undefined,
    onBack: () => void = () => undefined,
  ): () => void {
    const listeners = this.#listeners;
    if (listeners === null) return NOTHING;
    const listener = { onValue, onError, onBack };
    if (listeners.size === 0) this.#watch();
    listeners.add(listener);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) this.#unwatch();
    };
  }

  /** Drops all listeners and stops to watch. The value stays. */
  close(): void {
    this.#listeners?.clear();
    this.#unwatch();
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }

  // Polls, because a mounted Kubernetes secret changes by swapping a symlink above the file, which inotify does not see.
  #watch(): void {
    if (this.#file === null) return;
    watchFile(this.#file.path, { interval: this.#file.pollMs, persistent: false }, this.#reread);
    // The file may have changed between the start and now.
    queueMicrotask(this.#reread);
  }

  #unwatch(): void {
    if (this.#file !== null) unwatchFile(this.#file.path, this.#reread);
  }

  #read(): void {
    if (this.#file === null) return;
    const read = readSecretFile(this.#file);
    if (read instanceof ReadFault) {
      this.#isUnreadable = true;
      for (const { onError } of [...(this.#listeners ?? [])]) onError(read.text);
      return;
    }
    const wasUnreadable = this.#isUnreadable;
    this.#isUnreadable = false;
    if (read.text === this.#value) {
      if (wasUnreadable) for (const { onBack } of [...(this.#listeners ?? [])]) onBack();
      return;
    }
    this.#value = read.text;
    this.#fault = null;
    for (const { onValue } of [...(this.#listeners ?? [])]) onValue(read.text);
  }
}

interface SecretListener {
  readonly onValue: (value: string) => void;
  readonly onError: (reason: string) => void;
  readonly onBack: () => void;
}

interface SecretFile {
  readonly path: string;
  readonly pollMs: number;
  readonly form: SecretForm;
}

function readSecretFile({ path, form }: SecretFile): SecretText | ReadFault {
  const text = readText(path, MAX_BYTES);
  if (text instanceof ReadFault) return text;
  const read = readSecretText(text, form);
  return read instanceof ReadFault ? new ReadFault(`${shownPath(path)}: ${read.text}`) : read;
}

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
    return new ReadFault(`must be set: ${SOURCES}`);
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
  return new ReadFault(`must be ${SOURCES}`);
}

function fromEnvironment(name: string, form: SecretForm, env: NodeJS.ProcessEnv): Secret | ReadFault {
  const value = env[name];
  if (value) return Secret.fromText(value, form);
  const shown = isWordLike(name) ? ` ${name}` : ' (its name is not shown: it may be the secret itself)';
  return new ReadFault(`the environment variable${shown} is not set or empty`);
}
