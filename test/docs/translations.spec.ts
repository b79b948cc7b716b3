import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAIRS = [
  ['README.md', 'README.zh-CN.md'],
  ['docs/adopting.md', 'docs/zh-CN/adopting.md'],
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
    const levels = (text: string): string[] => text.match(/^#+(?= )/gm) ?? [];
    expect(levels(withoutCode(translated))).toEqual(levels(withoutCode(original)));
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

/** Of each row, what no translation touches: code, numbers of three digits and more. */
function tables(text: string): string[][] {
  const blocks = withoutCode(text).match(/(?:^\|.*\n)+/gm) ?? [];
  return blocks.map((block) =>
    block
      .trim()
      .split('\n')
      .map((row) => (row.match(/`[^`]+`|(?<!\w)-?\d{3,}(?!\w)/g) ?? []).sort().join(' ')),
  );
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
