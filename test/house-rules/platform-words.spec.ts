import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
/** What works for every platform and therefore names none. */
const NEUTRAL = ['src/core', 'src/storage', 'src/api'];

/** Names of platforms, their error codes, and the day of one of them. */
const WORDS =
  /wechat|weixin|wecom|qyapi|feishu|dingtalk|douyin|\bqq\b|UTC ?\+ ?8|utc8|(?<![\w.])4\d{4}(?![\w.])/i;

/** Files that may name one, and why. */
const ALLOWED: Readonly<Record<string, string>> = {
  'src/api/docs/': 'documents the drop-in endpoints, and shows examples',
  'src/api/tickets/ticket-signature.ts': 'makes the signatures that the JS-SDKs of WeChat and WeCom check',
};

const files = NEUTRAL.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(?:ts|lua)$/.test(path) && !/\.(?:spec|contract)\.ts$/.test(path))
    .map((path) => `${folder}/${path}`),
);

function linesWithWords(path: string): string[] {
  const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
  return lines.flatMap((line, index) =>
    WORDS.test(line) ? [`${path}:${String(index + 1)}: ${line.trim()}`] : [],
  );
}

describe('core, storage and api', () => {
  it('name no platform, in code, comments and texts', () => {
    expect(files.length).toBeGreaterThan(80);
    const isAllowed = (path: string) => Object.keys(ALLOWED).some((start) => path.startsWith(start));
    expect(files.filter((path) => !isAllowed(path)).flatMap(linesWithWords)).toEqual([]);
  });

  it('need every exception that is made', () => {
    for (const start of Object.keys(ALLOWED)) {
      const found = files.filter((path) => path.startsWith(start)).flatMap(linesWithWords);
      expect([start, found.length > 0]).toEqual([start, true]);
    }
  });
});
