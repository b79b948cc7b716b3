import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
/** What works for every platform and therefore names none. */
const NEUTRAL = ['src/core', 'src/storage', 'src/api'];

/** Names of platforms, their error codes, and the day of one of them. */
const WORDS =
  /wechat|weixin|wecom|qyapi|feishu|dingtalk|douyin|\bqq\b|UTC ?\+ ?8|utc8|(?<![\w.])4\d{4}(?![\w.])/i;

/** Places that may name one, and why. */
const ALLOWED: readonly (readonly [place: RegExp, why: string])[] = [
  [/^src\/api\/(?:docs\/|.*\.api\.ts$|apps\/apps\.controller\.ts$)/, 'OpenAPI shows examples'],
  [/^src\/api\/tickets\//, 'the JS-SDKs of WeChat and WeCom check the signatures that are made here'],
  [/^src\/(?:core\/(?:login\/|ports\/login-)|api\/login\/)/, 'logins are those of WeChat and QQ'],
  [/^src\/api\/gateway\//, 'what is passed on, and why, is said of the platform that needs it'],
];

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
    const isAllowed = (path: string) => ALLOWED.some(([place]) => place.test(path));
    expect(files.filter((path) => !isAllowed(path)).flatMap(linesWithWords)).toEqual([]);
  });

  it('need every exception that is made', () => {
    const places = ALLOWED.map(([place]) => files.filter((path) => place.test(path))).filter(
      (found) => found.length > 0,
    );
    for (const found of places) expect(found.flatMap(linesWithWords)).not.toEqual([]);
  });
});
