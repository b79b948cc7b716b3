import { hash } from 'node:crypto';
import { RecentTokens, TokenOwners } from './token.js';

const HOUR_MS = 3_600_000;
const GRACE_MS = 300_000;

describe('RecentTokens', () => {
  let tokens: RecentTokens;
  let owners: TokenOwners;
  const includes = (value: string, nowMs: number) => tokens.includes(hash('sha256', value), nowMs);

  beforeEach(() => {
    owners = new TokenOwners();
    tokens = new RecentTokens('shop', owners);
    tokens.next('first', 2 * HOUR_MS, 0, GRACE_MS);
  });

  it('knows the current token to its end, and no other', () => {
    expect(includes('first', 2 * HOUR_MS - 1)).toBe(true);
    expect(includes('first', 2 * HOUR_MS)).toBe(false);
    expect(includes('', 0)).toBe(false);
  });

  it('knows the one before for five minutes more, and not the one before that', () => {
    tokens.next('second', 3 * HOUR_MS, HOUR_MS, GRACE_MS);
    expect(includes('first', HOUR_MS + 299_999)).toBe(true);
    expect(includes('first', HOUR_MS + 300_000)).toBe(false);
    tokens.next('third', 3 * HOUR_MS, HOUR_MS + 1000, GRACE_MS);
    expect(includes('first', HOUR_MS + 1000)).toBe(false);
    expect(includes('second', HOUR_MS + 1000)).toBe(true);
  });

  it('knows none for longer than it lives', () => {
    tokens.next('second', 3 * HOUR_MS, 2 * HOUR_MS - 1000, GRACE_MS);
    expect(includes('first', 2 * HOUR_MS)).toBe(false);
  });

  it('forgets at once one that was reported or leaked', () => {
    tokens.next('second', 3 * HOUR_MS, HOUR_MS, 0);
    expect(includes('first', HOUR_MS)).toBe(false);
  });

  it('are found by their app, also where two have the same one, until they are forgotten', () => {
    const ownersOf = (value: string) => owners.of(hash('sha256', value)).map(({ app }) => app);
    const others = new RecentTokens('blog', owners);
    others.next('first', 2 * HOUR_MS, 0, GRACE_MS);
    expect(ownersOf('first')).toEqual(['shop', 'blog']);
    for (const value of ['second', 'third']) tokens.next(value, 3 * HOUR_MS, HOUR_MS, GRACE_MS);
    expect(['first', 'second', 'third', 'fourth'].map(ownersOf)).toEqual([['blog'], ['shop'], ['shop'], []]);
    for (const recent of [tokens, others]) recent.clear();
    expect(['first', 'second', 'third'].flatMap(ownersOf)).toEqual([]);
  });

  it('are found by the app that replaced another of the same name and token, which then goes', () => {
    const next = new RecentTokens('shop', owners);
    next.next('first', 2 * HOUR_MS, 0, GRACE_MS);
    tokens.clear();
    expect(owners.of(hash('sha256', 'first'))).toEqual([next]);
  });

  it('keeps the one before when the current one comes again', () => {
    tokens.next('second', 3 * HOUR_MS, HOUR_MS, GRACE_MS);
    tokens.next('second', 4 * HOUR_MS, HOUR_MS + 1000, GRACE_MS);
    expect(includes('first', HOUR_MS + 299_999)).toBe(true);
    expect(includes('second', 4 * HOUR_MS - 1)).toBe(true);
  });
});
