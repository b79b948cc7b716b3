import fc from 'fast-check';
import type { OpenLogin, UserSession } from '../ports/login-store.js';
import { readOpenLogin, readOutcome, readSession } from './read-stored.js';

const HANDLE = `tbs_${'h'.repeat(52)}`;
const ANSWER = { openid: 'mary', scope: ['base'], snapshot: false, session: HANDLE, expiresInSeconds: 60 };
const LOGIN: OpenLogin = {
  way: 'hosted',
  client: 'orders',
  proof: `b:${'p'.repeat(43)}`,
  redirectUri: 'https://login.example.com/login/callback/shop',
  landing: 'https://shop.example.com/back',
  answer: ANSWER,
};
const SESSION: UserSession = {
  client: 'orders',
  openid: 'mary',
  scope: [],
  tokens: { accessToken: 'access', expiresAtMs: 1, refreshToken: null },
  expiresAtMs: 2,
  isOver: false,
};
const ANSWERED = { kind: 'answered', answer: ANSWER, body: null, ticket: null };

describe('what a store gives back', () => {
  it('is read as it was written', () => {
    expect(readOpenLogin({ ...LOGIN })).toEqual(LOGIN);
    expect(readSession({ ...SESSION })).toEqual(SESSION);
    expect(readOutcome(ANSWERED)).toEqual(ANSWERED);
    const ofUnion = { ...ANSWERED, answer: { ...ANSWER, unionid: 'union-mary', session: null } };
    expect(readOutcome(ofUnion)).toEqual(ofUnion);
    const renewable = { ...SESSION, tokens: { accessToken: 'a', expiresAtMs: 1, refreshToken: 'r' } };
    expect(readSession(renewable)).toEqual(renewable);
    expect(readSession({ ...SESSION, tokens: null })).toEqual({ ...SESSION, tokens: null });
    const refused = { kind: 'refused', errcode: 40029, message: 'invalid code', meaning: 'code_invalid' };
    expect(readOutcome(refused)).toEqual(refused);
  });

  it.each([
    ['an address of a script', readOpenLogin, { ...LOGIN, landing: 'javascript:alert(1)' }],
    ['a line break in an address', readOpenLogin, { ...LOGIN, landing: 'https://a.example/\r\nX: y' }],
    ['an unknown way', readOpenLogin, { ...LOGIN, way: 'other' }],
    ['no client', readOpenLogin, { ...LOGIN, client: undefined }],
    ['a session that is no handle', readOutcome, { ...ANSWERED, answer: { ...ANSWER, session: 'x' } }],
    ['an endless life', readOutcome, { ...ANSWERED, answer: { ...ANSWER, expiresInSeconds: 1e12 } }],
    ['an unknown meaning', readOutcome, { kind: 'refused', errcode: 1, message: '', meaning: 'nice' }],
    ['a token with a space', readSession, { ...SESSION, tokens: { ...SESSION.tokens, accessToken: 'a b' } }],
    ['an empty openid', readSession, { ...SESSION, openid: '' }],
    ['a time that is none', readSession, { ...SESSION, expiresAtMs: NaN }],
    ['an end that is none', readSession, { ...SESSION, isOver: 'no' }],
    ['a scope that is no list', readSession, { ...SESSION, scope: 'base' }],
    ['a scope of numbers', readSession, { ...SESSION, scope: [1] }],
    ['a token without an end', readSession, { ...SESSION, tokens: { ...SESSION.tokens, expiresAtMs: '1' } }],
    [
      'a refresh token of a number',
      readSession,
      { ...SESSION, tokens: { ...SESSION.tokens, refreshToken: 1 } },
    ],
    ['tokens that are text', readSession, { ...SESSION, tokens: 'access' }],
    ['a unionid of a number', readOutcome, { ...ANSWERED, answer: { ...ANSWER, unionid: 1 } }],
    ['a snapshot of a word', readOutcome, { ...ANSWERED, answer: { ...ANSWER, snapshot: 'no' } }],
    ['no openid', readOutcome, { ...ANSWERED, answer: { ...ANSWER, openid: undefined } }],
    ['nothing at all', readOutcome, null],
  ])('is absent with %s', (_, read: (stored: unknown) => unknown, stored) => {
    expect(read(stored)).toBeNull();
  });

  it('never makes a reader throw', () => {
    const any = fc.oneof(
      fc.anything(),
      fc.record({ way: fc.anything(), kind: fc.anything(), tokens: fc.anything(), scope: fc.anything() }),
    );
    fc.assert(
      fc.property(any, (stored) => {
        readOpenLogin(stored);
        readOutcome(stored);
        readSession(stored);
      }),
    );
  });
});
