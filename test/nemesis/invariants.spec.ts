import type { TokenReport } from '@access-token-broker/simulator';
import { History } from './history.js';
import { judge, type AppTruth } from './invariants.js';
import { FOUND_TRY_PAUSE_MS, GRACE_SECONDS, TRAVEL_MS } from './scale.js';

const GRACE_MS = 1000 * GRACE_SECONDS;

describe('what the checker makes of a history', () => {
  let history: History;
  let tokens: TokenReport[];

  beforeEach(() => {
    history = new History();
    tokens = [];
  });

  /** The platform gives a token at this time; by its rules the one before lives on for the grace, and the one before that ends. */
  function issue(token: string, atMs: number, more: Partial<TokenReport> = {}): void {
    tokens = tokens.map((old, index) => {
      const end = index === tokens.length - 1 ? atMs + GRACE_MS : atMs;
      return end < old.ends_at ? { ...old, ends_at: end, death: 'overwritten', died_at: end } : old;
    });
    const born = { family: 'classic', app_id: 'wx1', issued_to: 'caller', delivered: true } as const;
    const life = { issued_at: atMs, expires_at: atMs + 12_000, ends_at: atMs + 12_000 };
    tokens.push({ ...born, token, ...life, died_at: null, death: null, ...more });
  }

  function get(
    token: string | null,
    startedAtMs: number,
    { generation = 1, minGeneration, status = 200, code = null, retryAfter = null, tookMs = 5 }: Got = {},
  ): void {
    const body = { access_token: token, generation, code };
    const asked = { kind: 'get', app: 'shop', replica: 'replica-0', minGeneration } as const;
    history.add(asked, { status, retryAfter, body, startedAtMs, endedAtMs: startedAtMs + tookMs, tookMs });
  }

  interface Got {
    readonly generation?: number;
    readonly minGeneration?: number;
    readonly status?: number;
    readonly code?: string | null;
    readonly retryAfter?: string | null;
    readonly tookMs?: number;
  }

  function violations(truth: Partial<AppTruth> = {}): string[] {
    const app = {
      name: 'shop',
      tokens,
      fetches: tokens.length,
      servedBefore: [],
      isCutOff: false,
      isPutBack: false,
      allowedExtra: 0,
      ...truth,
    };
    return judge(history, [app]).violations.map((sentence) => sentence.split(' ')[0] ?? '');
  }

  it('finds nothing in a good one', () => {
    issue('a', 0);
    get('a', 10, { generation: 10 });
    issue('b', 7000);
    get('a', 7010, { generation: 10, minGeneration: 10 });
    get('b', 7020, { generation: 20, minGeneration: 10 });
    get(null, 7030, { status: 503, code: 'behind', retryAfter: '1' });
    expect(violations()).toEqual([]);
  });

  it('I1: finds a token that was never issued, that expired, and whose grace is over', () => {
    issue('a', 0);
    issue('b', 1000);
    get('forged', 100);
    get('a', 1000 + GRACE_MS, { generation: 2 });
    get('b', 13_000, { generation: 3 });
    expect(violations()).toEqual(['I1', 'I1']);
    expect(judge(history, []).deadServed).toBe(0);
  });

  it('I1: takes a token that lived at some instant of the request', () => {
    issue('a', 0);
    get('a', 11_990, { tookMs: 100 });
    get('a', -50, { tookMs: 60 });
    expect(violations()).toEqual([]);
  });

  it('I1: excepts a token that a mint ended, until the answer with its successor can have arrived', () => {
    issue('a', 0);
    issue('lost', 1000, { delivered: false });
    issue('also lost', 2000, { delivered: false });
    get('a', 2900);
    issue('b', 3000);
    get('a', 3000 + TRAVEL_MS);
    get('b', 3100, { generation: 2 });
    expect(violations({ allowedExtra: 2 })).toEqual([]);
    get('a', 3001 + TRAVEL_MS);
    expect(violations({ allowedExtra: 2 })).toEqual(['I1']);
  });

  it('I1: is patient where nothing could be fetched or heard of', () => {
    issue('a', 0);
    issue('lost', 1000, { delivered: false });
    get('a', 1000 + GRACE_MS + 500);
    expect(violations({ allowedExtra: 1 })).toEqual(['I1']);
    expect(violations({ allowedExtra: 1, isCutOff: true })).toEqual([]);
  });

  it('I1: excepts a token that was put back in its overlap, until it is tried again', () => {
    issue('a', 0);
    issue('b', 100);
    get('a', 100 + GRACE_MS + FOUND_TRY_PAUSE_MS);
    expect(violations({ allowedExtra: 1 })).toEqual(['I1']);
    expect(violations({ allowedExtra: 1, isPutBack: true })).toEqual([]);
    get('a', 101 + GRACE_MS + FOUND_TRY_PAUSE_MS);
    expect(violations({ allowedExtra: 1, isPutBack: true })).toEqual(['I1']);
  });

  it('I1: is patient with no token whose time is over', () => {
    issue('a', 0, { ends_at: 12_000, death: 'expired', died_at: 12_000 });
    get('a', 12_001);
    expect(violations({ isCutOff: true })).toEqual(['I1']);
  });

  it('I1: excepts what somebody else ended', () => {
    issue('a', 0);
    issue('b', 1000, { issued_to: 'other' });
    issue('c', 2000, { issued_to: 'other' });
    get('a', 5000);
    expect(violations({ fetches: 1 })).toEqual([]);
  });

  it('I2: counts fetches that neither a rotation nor a fault explains', () => {
    issue('a', 0);
    issue('never served', 1000);
    get('a', 10);
    expect(violations()).toEqual(['I2']);
    expect(violations({ allowedExtra: 1 })).toEqual([]);
    expect(violations({ servedBefore: ['never served'], fetches: 1 })).toEqual([]);
    expect(violations({ servedBefore: ['a'], fetches: 1 })).toEqual(['I2']);
  });

  it('I3: finds a generation that is smaller than the one asked for', () => {
    issue('a', 0);
    get('a', 10, { generation: 10, minGeneration: 11 });
    expect(violations()).toEqual(['I3']);
  });

  it('I4: finds two values of one generation', () => {
    issue('a', 0);
    issue('b', 10);
    get('a', 20, { generation: 7 });
    get('b', 30, { generation: 7 });
    expect(violations()).toEqual(['I4']);
  });

  it('I12: finds errors without a code or without Retry-After', () => {
    get(null, 0, { status: 503, code: 'behind' });
    get(null, 0, { status: 429, retryAfter: '1' });
    get(null, 0, { status: 400 });
    expect(violations()).toEqual(['I12', 'I12']);
  });
});
