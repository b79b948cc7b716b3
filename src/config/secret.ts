import { unwatchFile, watchFile } from 'node:fs';
import { inspect } from 'node:util';
import { ReadFault } from './read-fault.js';
import { readText } from './read-text.js';

const HIDDEN = '[secret]';

/**
 * A text that must not leak: turned into a string, into JSON or inspected, it reads `[secret]`. One that came from a
 * file follows the file while somebody listens.
 */
export class Secret {
  #value: string;
  readonly #file: { readonly path: string; readonly pollMs: number } | null;
  readonly #listeners = new Set<SecretListener>();

  private constructor(value: string, file: { path: string; pollMs: number } | null) {
    this.#value = value;
    this.#file = file;
  }

  static of(value: string): Secret {
    return new Secret(value, null);
  }

  /** The file's content without the newline at its end; looked at every `pollMs` while somebody listens. */
  static fromFile(path: string, pollMs: number): Secret | ReadFault {
    const value = readSecretFile(path);
    return value instanceof ReadFault ? value : new Secret(value, { path, pollMs });
  }

  /** The text itself, now. */
  value(): string {
    return this.#value;
  }

  /**
   * Calls back with each new content of the file until the returned function is called. A file that cannot be read or
   * is empty keeps the value it had; `onError` is told why, without content.
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
    const value = readSecretFile(this.#file.path);
    if (value instanceof ReadFault) {
      for (const { onError } of [...this.#listeners]) onError(value.text);
      return;
    }
    if (value === this.#value) return;
    this.#value = value;
    for (const { onValue } of [...this.#listeners]) onValue(value);
  };
}

interface SecretListener {
  readonly onValue: (value: string) => void;
  readonly onError: (reason: string) => void;
}

function readSecretFile(path: string): string | ReadFault {
  const text = readText(path);
  if (text instanceof ReadFault) return text;
  return text.replace(/[\r\n]+$/, '') || new ReadFault(`${path} is empty`);
}
