import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { LineCounter, parseDocument, type YAMLError } from 'yaml';
import { ConfigError, ReadFault, shownPath } from './faults.js';

/** Size of the pieces in which a file is read that does not say how large it is. */
const CHUNK_BYTES = 4096;

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
    const chunks: Buffer[] = [];
    let length = 0;
    for (let more = -1; more !== 0 && length <= maxBytes; length += more) {
      const chunk = Buffer.alloc(Math.min(maxBytes + 1 - length, Math.max(stats.size + 1, CHUNK_BYTES)));
      more = readSync(descriptor, chunk, 0, chunk.length, null);
      chunks.push(chunk.subarray(0, more));
    }
    return length > maxBytes
      ? unreadable(path, `is larger than ${maxBytes / 1024} KiB`)
      : Buffer.concat(chunks);
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
  BAD_INDENT: 'indented wrongly, or a bracket is not closed',
  MISSING_CHAR: 'a bracket or quote is not closed, or a colon has no space after it',
  UNEXPECTED_TOKEN: 'something that does not belong here',
  BAD_DQ_ESCAPE: 'a backslash in double quotes; use single quotes',
  MULTILINE_IMPLICIT_KEY: 'a key on several lines',
  BLOCK_AS_IMPLICIT_KEY: 'two colons on one line; text with a colon needs quotes',
  NON_STRING_KEY: 'a key that is no text',
  RESOURCE_EXHAUSTION: 'nested too deep',
};

/**
 * Parses one YAML document whose root is a mapping, of `keys` among others. Throws a ConfigError under `path`; it tells lines and columns but
 * never the text there, nor the parser's own message, which may quote a secret.
 */
export function readYaml(
  text: string,
  path: string,
  keys: readonly string[] = ['server', 'apps', 'clients', 'redis', 'encryption'],
): Record<string, unknown> {
  const root = toPlain(() => readJson(text) ?? readDocument(text, path), path);
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    const list = `${keys.slice(0, -1).join(', ')} and ${keys.at(-1) ?? ''}`;
    throw new ConfigError([{ path, text: `must be a mapping with the keys ${list}` }]);
  }
  return { ...root };
}

/**
 * JSON is YAML, and read twenty times as fast: thousands of apps are written by programs. Undefined: it is no JSON, or has a key
 * twice in one object, and the YAML parser says where.
 */
function readJson(text: string): unknown {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const root: unknown = JSON.parse(text);
    return countKeys(root) === countWrittenKeys(text) ? root : undefined;
  } catch {
    return undefined;
  }
}

/** Keys are the texts with a colon behind them. */
function countWrittenKeys(json: string): number {
  let count = 0;
  for (const [, colon] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g)) if (colon) count += 1;
  return count;
}

function countKeys(root: unknown): number {
  let count = 0;
  const unseen = [root];
  while (unseen.length > 0) {
    const value = unseen.pop();
    if (typeof value !== 'object' || value === null) continue;
    const children: unknown[] = Object.values(value);
    if (!Array.isArray(value)) count += children.length;
    for (const child of children) unseen.push(child);
  }
  return count;
}

function readDocument(text: string, path: string): unknown {
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
  return document.toJS({ maxAliasCount: MAX_ALIASES });
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
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([{ path, text: BAD_ALIASES }]);
  }
  if (inherited.size > 0) {
    throw new ConfigError([...inherited].map((key) => ({ path, text: `${key} is not a known key` })));
  }
  return value;
}
