import { readFileSync } from 'node:fs';
import { types } from 'node:util';
import { ReadFault } from './read-fault.js';

/** Reads a UTF-8 file, or says why it cannot be read, naming the path. */
export function readText(path: string): string | ReadFault {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // A system error reads "ENOENT: no such file or directory, open '/path'".
    const isSystemError = types.isNativeError(error) && 'syscall' in error;
    const [reason = ''] = isSystemError ? error.message.split(', ') : ['not a usable path'];
    return new ReadFault(`cannot read ${path}: ${reason}`);
  }
}
