import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAIRS = [
  ['README.md', 'README.zh-CN.md'],
  ...readdirSync(join(ROOT, 'docs/zh-CN')).map((page) => [`docs/${page}`, `docs/zh-CN/${page}`] as const),
] as const;

describe.each(PAIRS)('%s and %s', (english, chinese) => {
  const [original, translated] = [read(english), read(chinese)];

  it('show the same commands and code', () => {
    expect(codeBlocks(translated)).toEqual(codeBlocks(original));
  });

  it('have the same tables, with the same options, codes and errcodes in them', () => {
    expect(tables(translated)).toEqual(tables(original));
  });

  it('have as many headings of each level', () => {
    const levels = (text: string): string[] => headings(text).map((heading) => heading.replace(/ .*/, ''));
    expect(levels(translated)).toEqual(levels(original));
  });

  it('name the same code in each section', () => {
    expect(sections(translated)).toEqual(sections(original));
  });

  it.each([english, chinese])('link to headings that exist, in %s', (page) => {
    const missing = anchors(page).filter(([target, slug]) => !slugs(read(target)).includes(slug));
    expect(missing).toEqual([]);
  });

  it('link to each other', () => {
    expect(targets(english, original)).toContain(chinese);
    expect(targets(chinese, translated)).toContain(english);
  });

  it('lead a Chinese reader to the Chinese pages that there are', () => {
    const others = PAIRS.map(([from]) => from).filter((page) => page !== english);
    expect(others.filter((page) => targets(chinese, translated).has(page))).toEqual([]);
  });

  it('link to what exists, and both to the same', () => {
    const [ours, theirs] = [targets(english, original), targets(chinese, translated)];
    for (const target of [...ours, ...theirs])
      expect([target, existsSync(join(ROOT, target))]).toEqual([target, true]);
    const pages = new Map<string, string>(PAIRS.map(([from, to]) => [to, from]));
    const originals = (links: ReadonlySet<string>): string[] =>
      [...new Set([...links].map((link) => pages.get(link) ?? link))]
        .filter((link) => link !== english)
        .sort();
    expect(originals(theirs)).toEqual(originals(ours));
  });
});

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** Blocks without a language are drawings. */
function codeBlocks(text: string): string[] {
  return [...text.matchAll(/^ *```(\w+)\n([^]*?)^ *```$/gm)].map(
    ([, language, code]) => `${language ?? ''}\n${code ?? ''}`,
  );
}

function withoutCode(text: string): string {
  return text.replaceAll(/^ *```[^]*?^ *```$/gm, '');
}

/** Of each row, what no translation touches: code and numbers. */
function tables(text: string): string[][] {
  const blocks = withoutCode(text).match(/(?:^\|.*\n)+/gm) ?? [];
  return blocks.map((block) =>
    block
      .trim()
      .split('\n')
      .map((row) => (row.match(/`[^`]+`|-?\d+/g) ?? []).sort().join(' ')),
  );
}

function headings(text: string): string[] {
  return withoutCode(text).match(/^#+ .+/gm) ?? [];
}

/** The inline code of each, that before the first heading included. */
function sections(text: string): string[][] {
  return withoutCode(text)
    .split(/^#+ /m)
    .map((section) => (section.match(/`[^`\n]+`/g) ?? []).sort());
}

/** As GitHub names headings, which has no two alike on these pages, and the ids that the page gives itself. */
function slugs(text: string): string[] {
  const named = headings(text).map((heading) =>
    heading
      .replace(/^#+ /, '')
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
  return [...named, ...Array.from(text.matchAll(/<a id="([^"]+)">/g), ([, id = '']) => id)];
}

/** Pages of the repository and the fragments that the page links to in them. */
function anchors(page: string): (readonly [target: string, slug: string])[] {
  const links = [...withoutCode(read(page)).matchAll(/\]\(([^):#\s]*)#([^)\s]+)\)/g)];
  return links.map(([, link = '', slug = '']) => [
    link === '' ? page : join(dirname(page), link),
    decodeURIComponent(slug),
  ]);
}

/** Files of the repository that the page links to, from its root. */
function targets(page: string, text: string): Set<string> {
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link]) => link ?? '');
  return new Set(
    links
      .filter((link) => !/^\w+:/.test(link))
      .map((link) => relative(ROOT, join(ROOT, dirname(page), link))),
  );
}
