import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

function matches(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), ([, name = '']) => name);
}

const source = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
  .map((path) => readFileSync(join(ROOT, 'src', path), 'utf8'))
  .join('\n');
const document = readFileSync(join(ROOT, 'docs/logging.md'), 'utf8');
const documented = new Set(matches(document, /^\| `([a-z_.]+)`/gm));

describe('docs/logging.md', () => {
  it('has every event that is logged', () => {
    const logged = matches(source, /\bevent: '([a-z_.]+)'/g);
    expect(logged.length).toBeGreaterThan(20);
    expect(logged.filter((event) => !documented.has(event))).toEqual([]);
  });

  it('has every action that is audited', () => {
    const entry = readFileSync(join(ROOT, 'src/core/ports/audit-entry.ts'), 'utf8');
    const actions = matches(entry, /^ {2}\| '([a-z_.]+)'/gm);
    expect(actions.length).toBeGreaterThan(5);
    expect(actions.filter((action) => !documented.has(action))).toEqual([]);
  });
});
