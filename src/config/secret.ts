import { unwatchFile, watchFile } from 'node:fs';
import { inspect } from 'node:util';
import { shownPath } from './problem.js';
import { ReadFault } from './read-fault.js';
import { readText } from './read-text.js';
import { readSecretText, type SecretForm, type SecretText } from './secret-text.js';

const HIDDEN = '[secret]';
const MAX_BYTES = 64 * 1024;

/**
 * A text that must not leak: turned into a string, into JSON or inspected, it reads `[secret]`. One that came from a
 * file follows the file while somebody listens.
 */
export class Secret {
  #value: string;
  #fault: string | null = null;
  readonly #file: SecretFile | null;
  readonly #listeners = new Set<SecretListener>();

  private constructor(
    value: string,
    file: SecretFile | null,
    /** What stood around the text when it was first read and was dropped, in words; null if nothing did. */
    readonly dropped: string | null,
  ) {
    this.#value = value;
    this.#file = file;
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
   * empty or has not the secret's form keeps the value it had; `onError` is told why, without content.
   */
  onChange(
    onValue: (value: string) => void,
    onError: (reason: string) => void = () => undefined,
  ): () => void {
    const listener = { onValue, onError };
    if (this.#listeners.size === 0) this.#watch();
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#unwatch();
    };
  }

  /** Drops all listeners and stops to watch. The value stays. */
  close(): void {
    this.#listeners.clear();
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

  readonly #reread = (): void => {
    if (this.#file === null) return;
    const read = readSecretFile(this.#file);
    if (read instanceof ReadFault) {
      for (const { onError } of [...this.#listeners]) onError(read.text);
      return;
    }
    if (read.text === this.#value) return;
    this.#value = read.text;
    this.#fault = null;
    for (const { onValue } of [...this.#listeners]) onValue(read.text);
  };
}

interface SecretListener {
  readonly onValue: (value: string) => void;
  readonly onError: (reason: string) => void;
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
