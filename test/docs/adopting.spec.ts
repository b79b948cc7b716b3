import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SDKS } from '../sdk/commands.js';

const root = join(import.meta.dirname, '..', '..');
const guide = ['docs/adopting.md', 'docs/oauth2.md', 'docs/login.md']
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n');

/** Where each SDK's version is pinned. */
const PINS: Readonly<Record<keyof typeof SDKS, readonly [file: string, pattern: RegExp]>> = {
  'co-wechat-api': ['package.json', /"co-wechat-api": "([^"]+)"/],
  'node-easywechat': ['package.json', /"node-easywechat": "([^"]+)"/],
  wechatpy: ['test/sdk/python/requirements.txt', /^wechatpy==(.+)$/m],
  silenceper: ['test/sdk/go/go.mod', /silenceper\/wechat\/v2 v(\S+)/],
  'weixin-java-miniapp': ['test/sdk/java/pom.xml', /weixin-java-miniapp<\/artifactId>\s*<version>([^<]+)/],
  'weixin-java-mp': ['test/sdk/java/pom.xml', /weixin-java-mp<\/artifactId>\s*<version>([^<]+)/],
};

/** What stands between `docs:begin` and `docs:end` in the programs that `npm run test:sdk` runs, by the name after `begin`. */
const regions = globSync('test/sdk/**/*.{mjs,py,go,java,php,conf}', { cwd: root }).flatMap((path) => {
  const text = readFileSync(join(root, path), 'utf8');
  const found = text.matchAll(/^[^\n]*docs:begin (\S+)\n(.*?)\n[^\n]*docs:end$/gms);
  return [...found].map(([, name = '', body = '']) => [name, dedented(body)] as const);
});

function dedented(text: string): string {
  const lines = text.split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  return lines
    .map((line) => line.slice(Math.min(...indents)))
    .join('\n')
    .trim();
}

describe('docs/adopting.md, docs/oauth2.md and docs/login.md', () => {
  it.each(regions)('show what is tested of %s, word for word', (_, region) => {
    expect(region.length).toBeGreaterThan(0);
    expect(guide).toContain(`\n${region}\n`);
  });

  it('show no program for logins that is not tested', () => {
    const page = readFileSync(join(root, 'docs/login.md'), 'utf8');
    const programs = Array.from(page.matchAll(/^```(?!yaml)\w+\n(.*?)\n```$/gms), ([, code = '']) => code);
    expect(programs).toHaveLength(4);
    expect(programs.filter((code) => !regions.some(([, region]) => region === code))).toEqual([]);
  });

  it.each(Object.entries(PINS))('say which version of %s is tested', (name, [file, pattern]) => {
    const version = pattern.exec(readFileSync(join(root, file), 'utf8'))?.[1];
    expect(guide).toMatch(new RegExp(`${name}[^|\n]*\\| ${String(version).replaceAll('.', '\\.')} `));
    expect(regions.map(([region]) => region)).toContain(name);
  });
});
