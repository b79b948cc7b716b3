import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { en } from '../packages/console/src/i18n/en.js';
import { remedyInChinese } from '../packages/console/src/i18n/remedies.zh.js';
import { zh } from '../packages/console/src/i18n/zh.js';
import { REMEDIES as OF_TRIES } from '../src/api/console/console.controller.js';
import type { ErrorCode } from '../src/core/error-code.js';
import { StoreUnavailableError, type BrokerErrorCode } from '../src/core/errors.js';
import type { ProbeOutcome } from '../src/core/ports/token-issuer.js';
import type { ReportResult } from '../src/core/reports/token-report.js';
import { FETCH_REASONS } from '../src/core/token.js';
import { FAULTS, remedyOfFault } from '../src/platforms/http/network-fault.js';
import { AT_RESOURCE, AT_TOKEN_ENDPOINT } from '../src/platforms/oauth2/oauth-errors.js';
import { MEANINGS as QQ } from '../src/platforms/qq/error-numbers.js';
import { PLATFORMS } from '../src/platforms/registry.js';
import { REMEDIES as WECHAT } from '../src/platforms/wechat/errcodes.js';
import { REMEDIES as WECOM } from '../src/platforms/wecom/errcodes.js';
import { REMEDIES as REDIS, remedyFor } from '../src/storage/redis/remedy-for.js';

const CHINESE = /[\u4e00-\u9fff]/u;
/** Of an English text: a word of it that is no name, such as of a key or a command. */
const ENGLISH = /\b(the|is|of|check|and)\b/i;

/** Beside those of the tables: such that nobody knows, and families of WeChat. */
const CODES: Readonly<Record<string, readonly ErrorCode[]>> = {
  wechat: [...numbersOf(WECHAT), 89599, 89999, 12345],
  wecom: [...numbersOf(WECOM), 12345],
  qq: [...numbersOf(QQ), 100099],
  oauth2: [...Object.keys({ ...AT_TOKEN_ENDPOINT, ...AT_RESOURCE }), 401, 429, 'out_of_cheese'],
};

function numbersOf(table: object): number[] {
  return Object.keys(table).map(Number);
}

/** The sentences that stand in the source as `remedy: '…'` or `…REMEDY = '…'`. */
function literalsIn(folder: string): string[] {
  const root = join(import.meta.dirname, '../src', folder);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return files
    .filter((name) => name.endsWith('.ts') && !name.includes('.spec.') && !name.includes('.contract.'))
    .flatMap((name) => {
      const source = readFileSync(join(root, name), 'utf8');
      const found = source.matchAll(/remedy\w*\s*[:=]\s*(?:'((?:[^'\\]|\\.)+)'|"([^"]+)"|`([^`]+)`)/gi);
      return [...found].map(([, single, double, template]) => single ?? double ?? template ?? '');
    })
    .filter((text) => /^[A-Z]/.test(text));
}

function expectChinese(provider: string | null, errcode: ErrorCode | null, remedy: string): void {
  const text = remedyInChinese(provider, errcode, remedy);
  expect(text).toMatch(CHINESE);
  expect(text).not.toMatch(ENGLISH);
}

describe('what to do, in the Chinese console', () => {
  const codes = PLATFORMS.flatMap(({ id, errors }) =>
    (CODES[id] ?? []).map((errcode) => [id, errcode, errors.explain(errcode).remedy] as const),
  );

  it('is known of all platforms', () => {
    expect(Object.keys(CODES).sort()).toEqual(PLATFORMS.map(({ id }) => id).sort());
    expect(codes.length).toBeGreaterThan(100);
  });

  it.each(codes)('is said in Chinese for %s %s', (provider, errcode, remedy) => {
    expectChinese(provider, errcode, remedy);
  });

  it.each(FAULTS)('is said in Chinese for the fault %s, also where a proxy stands unused', (fault) => {
    expectChinese('wechat', null, remedyOfFault(fault));
    expectChinese(null, null, remedyOfFault(fault, 'HTTPS_PROXY'));
  });

  it.each(REDIS)('is said in Chinese for %p of Redis', (_pattern, remedy) => {
    expectChinese(null, null, remedy);
  });

  it.each([
    ...literalsIn('core'),
    ...literalsIn('storage'),
    ...literalsIn('observability'),
    OF_TRIES.dead,
    OF_TRIES.unknown,
    remedyFor('ECONNREFUSED'),
    new StoreUnavailableError('gone').remedy,
  ])('is said in Chinese: %s', (remedy) => {
    expectChinese(null, null, remedy);
  });

  it('is of the broker’s own text where that is about something else than the code', () => {
    expect(remedyInChinese('wechat', 40001, OF_TRIES.dead)).toMatch(/^已以你的名义上报/);
    expect(remedyInChinese('wechat', 40001, WECHAT[40001] ?? '')).toMatch(/AppSecret 不是这个应用的/);
  });

  it('is what the broker says where there is no translation', () => {
    expect(remedyInChinese('toy', 7, 'Wind it up.')).toBe('Wind it up.');
  });
});

/** Does not compile while one is missing. */
const RESULTS: Readonly<Record<ReportResult | BrokerErrorCode | ProbeOutcome, true>> = {
  rotated: true,
  already_rotated: true,
  recently_rotated: true,
  still_valid: true,
  budget_exhausted: true,
  accepted: true,
  rejected: true,
  no_answer: true,
  app_required: true,
  unknown_app: true,
  no_token_for_app_type: true,
  no_token_yet: true,
  token_expired: true,
  behind: true,
  held_elsewhere: true,
  not_a_token_error: true,
  refresh_budget_exhausted: true,
  upstream_unavailable: true,
  upstream_rejected: true,
  stopping: true,
};

describe('what the timeline says of a fetch, a report and a try', () => {
  it.each([...FETCH_REASONS, ...Object.keys(RESULTS)])('has words in both languages for %s', (word) => {
    expect(en.word(word)).toMatch(/^[a-zA-Z ,]+$/);
    expect(zh.word(word)).toMatch(CHINESE);
    if (word.includes('_')) expect(en.word(word)).not.toBe(word.replaceAll('_', ' '));
  });
});
