import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const files = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: ROOT, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));

/** A page without its code, in which brackets mean something else. */
function proseOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
    .replaceAll(/^ *```[^]*?^ *```/gm, '')
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ''));
}

function targetsIn(file: string): string[] {
  const text = proseOf(file);
  const inline = text.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g);
  const referenced = text.matchAll(/^\[[^\]]+\]: (\S+)/gm);
  const html = text.matchAll(/(?:href|src)="([^"]+)"/g);
  return [...inline, ...referenced, ...html].map(([, target]) => target ?? '');
}

/** The names that a page can be entered by: those of its headings, as GitHub makes them, and its own. */
function anchorsIn(file: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of readFileSync(join(ROOT, file), 'utf8').matchAll(/^#+ +(.+)$/gm)) {
    const words = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .trim();
    const slug = words.replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-');
    let name = slug;
    for (let count = 1; anchors.has(name); count++) name = `${slug}-${String(count)}`;
    anchors.add(name);
  }
  for (const [, id = ''] of proseOf(file).matchAll(/id="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

function isDead(file: string, link: string): boolean {
  const [path = '', anchor] = decodeURIComponent(link).split('#');
  const target = path === '' ? file : normalize(join(dirname(file), path));
  if (target.startsWith('..') || !existsSync(join(ROOT, target))) return true;
  return anchor !== undefined && target.endsWith('.md') && !anchorsIn(target).has(anchor);
}

describe('the links of the documentation', () => {
  it.each(files)('lead somewhere in %s', (file) => {
    const relative = targetsIn(file).filter((link) => !/^(?:[a-z][a-z+.-]*:|\/\/)/i.test(link));
    expect(relative.filter((link) => isDead(file, link))).toEqual([]);
  });
});

describe('the version', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

  it.each(files.filter((file) => file !== 'CHANGELOG.md'))('is that of package.json in %s', (file) => {
    const named = readFileSync(join(ROOT, file), 'utf8').matchAll(
      /access-token-broker[:-]v?(\d+\.\d+\.\d+[\w.-]*?)(?=\.tgz|\.? |[\s`)]|$)/gm,
    );
    expect([...named].map(([, one]) => one).filter((one) => one !== version)).toEqual([]);
  });

  it('has an entry of the changelog, or is to come', () => {
    const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
    expect(changelog).toContain(version.includes('-') ? '## Unreleased' : `## ${version}`);
  });
});
