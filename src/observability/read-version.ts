import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of this package, from the package.json beside `dist`. */
export function readVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
