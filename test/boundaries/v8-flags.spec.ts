import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** An unknown one is a line on stderr and no more, while the memory that it saved is used again. */
describe('flags for V8', () => {
  const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  const setters = ['src/main.ts', 'src/api/gateway/streamed-bytes.ts'];
  const set = [
    ...setters
      .map(read)
      .join('')
      .matchAll(/setFlagsFromString\('(--[\w-]+)/g),
  ].map(([, flag]) => flag);
  const atStart = [...read('package.json').matchAll(/(--max-[\w-]+)=/g)].map(([, flag]) => flag);

  it('are known to the Node in use', () => {
    expect(set).toEqual(['--no-allocation-site-pretenuring', '--heap-growing-percent', '--expose-gc']);
    expect(atStart).toContain('--max-semi-space-size');
    for (const flag of [...set, ...atStart]) {
      const name = String(flag).replace(/^--no-/, '--');
      expect(known).toMatch(new RegExp(`^\\s+${name} `, 'm'));
    }
  });
});
