import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { LineCounter, parseDocument, type YAMLError } from 'yaml';
import { ConfigError, ReadFault, shownPath } from './faults.js';
/**
 * Reads a regular UTF-8 file of up to `maxBytes`, or says why it cannot be read, naming the path. Never waits, as a read
 * of a pipe would, and never reads more than that, as from a device.
 */
export function readText(path: string, maxBytes: number): string | ReadFault {
  const bytes = readBytes(path, maxBytes);
  if (bytes instanceof ReadFault) return bytes;
  const isUtf16 = /^(?:fffe|feff)/.test(bytes.subarray(0, 2).toString('hex'));
  if (isUtf16) return new ReadFault(`${shownPath(path)} is UTF-16: save it as UTF-8`);
  if (bytes.includes(0)) {
    return new ReadFault(`${shownPath(path)} holds NUL bytes, as UTF-16 does: save it as UTF-8`);
  }
  return isUtf8(bytes) ? bytes.toString('utf8') : new ReadFault(`${shownPath(path)} is not valid UTF-8`);
}

function readBytes(path: string, maxBytes: number): Buffer | ReadFault {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return unreadable(path, stats.isDirectory() ? 'is a folder' : 'is no regular file');
    // The size may be 0, as in /proc, or change: what can be read counts.
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let more = -1; more !== 0 && length < buffer.length; length += more) {
      more = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
    return length > maxBytes
      ? unreadable(path, `is larger than ${maxBytes / 1024} KiB`)
      : buffer.subarray(0, length);
  } catch (error) {
    // A system error reads "ENOENT: no such file or directory, open '/path'".
    const { syscall, message } = error as NodeJS.ErrnoException;
    const [reason = ''] = syscall === undefined ? ['not a usable path'] : message.split(', ');
    return unreadable(path, reason);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function unreadable(path: string, reason: string): ReadFault {
  return new ReadFault(`cannot read ${shownPath(path)}: ${reason}`);
}

/** Enough for a block of settings shared by many apps, far too few for a "billion laughs". */
const MAX_ALIASES = 1000;

const BAD_ALIASES =
  'has an alias (*name) that has no anchor or is inside its own, or too many of them; text that begins with * needs quotes';

const EXPLANATIONS: Partial<Record<YAMLError['code'], string>> = {
  DUPLICATE_KEY: 'the same key stands twice in one mapping; remove one',
  MULTIPLE_DOCS: 'there is a second document; keep one and remove the line "---"',
  BAD_ALIAS: 'not an alias; text that begins with * needs quotes',
  TAG_RESOLVE_FAILED: 'an unknown tag; text that begins with ! needs quotes',
  TAB_AS_INDENT: 'indented with a tab; use spaces',
};

/**
 * Parses one YAML document whose root is a mapping. Throws a ConfigError under `path`; it tells lines and columns but
 * never the text there, nor the parser's own message, which may quote a secret.
 */
export function readYaml(text: string, path: string): Record<string, unknown> {
  const lines = new LineCounter();
  // Warnings are faults too; at level "error" the parser prints none of them itself.
  const document = parseDocument(text, {
    prettyErrors: false,
    stringKeys: true,
    logLevel: 'error',
    lineCounter: lines,
  });
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) {
    throw new ConfigError(errors.map((error) => ({ path, text: explain(error, lines) })));
  }
  const root = toPlain(() => document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown, path);
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    throw new ConfigError([
      { path, text: 'must be a mapping with the keys server, apps, clients, redis and encryption' },
    ]);
  }
  return { ...root };
}

function explain(error: YAMLError, lines: LineCounter): string {
  const { line, col } = lines.linePos(error.pos[0]);
  const what = EXPLANATIONS[error.code] ?? error.code.toLowerCase().replaceAll('_', ' ');
  return `is not valid YAML at line ${line}, column ${col}: ${what}`;
}

function toPlain(convert: () => unknown, path: string): unknown {
  const inherited = new Set<string>();
  let value: unknown;
  try {
    value = convert();
    // Walks all keys, and fails on an alias that contains itself.
    JSON.stringify(value, (key, child: unknown) => {
      if (key in {}) inherited.add(key);
      return child;
    });
  } catch {
    throw new ConfigError([{ path, text: BAD_ALIASES }]);
  }
  if (inherited.size > 0) {
    throw new ConfigError([...inherited].map((key) => ({ path, text: `${key} is not a known key` })));
  }
  return value;
}
