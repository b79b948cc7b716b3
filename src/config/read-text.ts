import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { shownPath } from './problem.js';
import { ReadFault } from './read-fault.js';

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
