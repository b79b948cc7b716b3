import { readFileSync } from 'node:fs';
import { ReadFault } from './read-fault.js';

/** Reads a UTF-8 file, or says why it cannot be read, naming the path. */
export function readText(path: string): string | ReadFault {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // A system error reads "ENOENT: no such file or directory, open '/path'".
    const { syscall, message } = error as NodeJS.ErrnoException;
    const [reason = ''] = syscall === undefined ? ['not a usable path'] : message.split(', ');
    return new ReadFault(`cannot read ${path}: ${reason}`);
  }
}
