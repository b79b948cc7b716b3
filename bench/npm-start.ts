import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: { start: string };
};

/** What `npm start` gives to node: options, and the script last. */
export const NPM_START: readonly string[] = scripts.start.split(' ').slice(1);
