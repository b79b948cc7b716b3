import { inspect } from 'node:util';
import {
  startOauth2Server,
  type FaultSpec,
  type Oauth2Options,
  type Oauth2Simulator,
} from '../../../test/support/start-oauth2-server.js';
import type { IssueOutcome } from '../../core/ports/token-issuer.js';
import { PlatformApi } from '../http/platform-api.js';
import { Oauth2Issuer, type Oauth2IssuerOptions } from './oauth2.issuer.js';

const CLIENT = { clientId: 'billing', clientSecret: 'p+4: %T/q&w=9ü!x7Zs2', scopes: ['read', 'write'] };

let simulator: Oauth2Simulator;
const start = async (options: Oauth2Options = {}) => {
  simulator = await startOauth2Server({ clients: [CLIENT], ...options });
};
afterEach(() => simulator.stop());

type Options = Partial<Omit<Oauth2IssuerOptions, 'api'>> & { readonly tokenUrl?: string };

function issuerWith({ tokenUrl = simulator.tokenUrl, ...options }: Options = {}): Oauth2Issuer {
  return new Oauth2Issuer({
    api: new PlatformApi(tokenUrl),
    clientAuthentication: 'client_secret_basic',
    scope: null,
    parameters: {},
    defaultLifeSeconds: 600,
    rule: { repeats: 'never', previous: 'stays_valid', renewsOnFetch: false, canForce: false },
    ...options,
  });
}

function issue(options: Options = {}, appSecret = CLIENT.clientSecret): Promise<IssueOutcome> {
  const credentials = { app: 'billing', appId: CLIENT.clientId, appSecret };
  return issuerWith(options).issue(credentials, { signal: AbortSignal.timeout(5000), timeoutMs: 5000 });
}

async function issueWith(fault: FaultSpec): Promise<IssueOutcome> {
  simulator.addFault(fault);
  return issue();
}

const ISSUED = { kind: 'issued', value: expect.any(String), expiresInSeconds: 3600 };

describe('Oauth2Issuer', () => {
  it.each(['client_secret_basic', 'client_secret_post'] as const)(
    'authenticates by %s, with a secret of all kinds of characters, in one request',
    async (clientAuthentication) => {
      await start({ authentication: clientAuthentication });
      expect(await issue({ clientAuthentication })).toEqual(ISSUED);
      expect(simulator.calls()).toMatchObject({ fetches: 1, minted: 1 });
    },
  );

  it('asks for the scope and with the parameters of its configuration', async () => {
    await start();
    await issue({ scope: 'read', parameters: { audience: 'https://api.example', grant_type: 'password' } });
    expect(simulator.tokens()).toMatchObject([
      { details: { scope: 'read', audience: 'https://api.example' } },
    ]);
  });

  it.each([
    ['text', 3600],
    ['number', 3600],
  ] as const)('reads a life that comes as %s', async (lifeAs, expiresInSeconds) => {
    await start({ lifeAs });
    expect(await issue()).toEqual({ ...ISSUED, expiresInSeconds });
  });

  it('takes the default for a life that is missing, and says so', async () => {
    await start({ lifeAs: 'missing' });
    expect(await issue()).toEqual({
      ...ISSUED,
      expiresInSeconds: 600,
      remark: 'The answer has no expires_in: the token is taken to live 600 s (defaultLifeSeconds).',
    });
  });

  it('caps a life above 30 days, and says so', async () => {
    await start({ expiresInSeconds: 3_000_000 });
    expect(await issue()).toMatchObject({
      expiresInSeconds: 2_592_000,
      remark: 'The token lives 3000000 s by the answer; the broker keeps it for 2592000 s.',
    });
  });

  it('names a token type other than Bearer', async () => {
    await start({ tokenType: 'DPoP' });
    expect(await issue()).toEqual({ ...ISSUED, tokenType: 'DPoP' });
    simulator.addFault({ body: { access_token: 'a', token_type: 'bearer', expires_in: 3600.9 } });
    expect(await issue()).toEqual({ ...ISSUED, value: 'a' });
  });

  it('takes a life of 0 only of a token that the server repeats, in its last second', async () => {
    await start();
    const body = { access_token: 'abc', expires_in: 0 };
    simulator.addFault({ body, times: 2 });
    expect(await issue()).toMatchObject({ kind: 'unknown' });
    const rule = {
      repeats: { sameUntilMs: 0 },
      previous: 'stays_valid',
      renewsOnFetch: false,
      canForce: false,
    } as const;
    expect(await issue({ rule })).toEqual({ kind: 'issued', value: 'abc', expiresInSeconds: 0 });
  });

  it('ignores a refresh token', async () => {
    await start({ withRefreshToken: true });
    expect(await issue()).toEqual(ISSUED);
  });

  it.each(['rfc', 200] as const)('takes an error for a refusal, with the status %s', async (errorStatus) => {
    await start({ errorStatus });
    expect(await issue({}, 'wrong')).toEqual({
      kind: 'refused',
      errcode: 'invalid_client',
      message: 'Client authentication failed',
    });
    expect(await issue({ scope: 'drop' })).toMatchObject({ kind: 'refused', errcode: 'invalid_scope' });
  });

  it.each<[FaultSpec, object]>([
    [
      { errcode: 'invalid_target', httpStatus: 403 },
      { errcode: 'invalid_target', message: 'Simulated' },
    ],
    [
      { body: { error: 1101, sub_error: 20404 }, httpStatus: 400 },
      { errcode: 1101, message: '' },
    ],
    [
      { body: { error: 'Bad credentials!' }, httpStatus: 401 },
      { errcode: 'unreadable_error', message: '' },
    ],
    [
      { errcode: 'slow_down', headers: { 'Retry-After': '7' } },
      { errcode: 'slow_down', message: 'Simulated', retryAfterMs: 7000 },
    ],
    [
      {
        errcode: 'slow_down',
        headers: { 'Retry-After': 'Sat, 21 Nov 2026 03:01:00 GMT', Date: 'Sat, 21 Nov 2026 03:00:00 GMT' },
      },
      { errcode: 'slow_down', message: 'Simulated', retryAfterMs: 60_000 },
    ],
    [
      { body: 'Slower', httpStatus: 429, headers: { 'Retry-After': '30' } },
      { errcode: 429, message: 'too many requests', retryAfterMs: 30_000 },
    ],
  ])('takes %j for a refusal', async (fault, refusal) => {
    await start();
    expect(await issueWith(fault)).toEqual({ kind: 'refused', ...refusal });
  });

  it.each<[FaultSpec, string]>([
    [{ status: 404 }, 'http_4xx'],
    [{ status: 502 }, 'http_5xx'],
    [{ errcode: 'server_error', httpStatus: 500 }, 'http_5xx'],
    [{ status: 302 }, 'redirect'],
    [{ garbage: 'html' }, 'answer_html'],
    [{ garbage: 'empty' }, 'answer_not_json'],
    [{ garbage: 'array' }, 'answer_not_json'],
    [{ truncate: true }, 'answer_not_json'],
    [{ garbage: 'huge' }, 'answer_too_large'],
    [{ dropReply: true }, 'reset'],
    [{ body: { access_token: '' } }, 'answer_unexpected'],
    [{ body: { access_token: 'a b', expires_in: 60 } }, 'answer_unexpected'],
    [{ body: { token_type: 'Bearer', expires_in: 60 } }, 'answer_unexpected'],
    [{ body: { access_token: 'abc', expires_in: 0 } }, 'answer_unexpected'],
    [{ body: { access_token: 'abc', expires_in: '1h' } }, 'answer_unexpected'],
  ])('does not know what became of a request that is answered by %j', async (fault, name) => {
    await start();
    expect(await issueWith(fault)).toMatchObject({ kind: 'unknown', cause: { fault: name } });
  });

  it('passes the wish of a server that fails on', async () => {
    await start();
    expect(await issueWith({ status: 503, headers: { 'Retry-After': '7' } })).toMatchObject({
      kind: 'unknown',
      cause: { fault: 'http_5xx', retryAfterMs: 7000 },
    });
  });

  it('knows that nothing was sent where nobody listens', async () => {
    await start();
    const { tokenUrl } = simulator;
    await simulator.stop();
    expect(await issue({ tokenUrl })).toMatchObject({ kind: 'not_sent', cause: { fault: 'refused' } });
  });

  it.each<[string, (text: string) => string]>([
    ['as it is', (text) => text],
    ['percent encoded', encodeURIComponent],
    ['form encoded', (text) => new URLSearchParams({ a: text }).toString()],
    ['in upper case', (text) => text.toUpperCase()],
    ['in hex', (text) => Buffer.from(text).toString('hex')],
    ['as character references', (text) => Array.from(text, (one) => `&#${one.charCodeAt(0)};`).join('')],
    ['in base64', (text) => Buffer.from(text).toString('base64')],
    ['in base64 behind the client_id', (text) => Buffer.from(`billing:${text}`).toString('base64')],
    ['in base64 behind one character more', (text) => Buffer.from(`billings:${text}`).toString('base64')],
  ])('shows no description that repeats the secret %s', async (_, echo) => {
    await start();
    for (const secret of [CLIENT.clientSecret, 'plain0secret1of2letters3']) {
      simulator.addFault({ errcode: 'invalid_client', errmsg: `wrong secret ${echo(secret)} given` });
      const outcome = await issue({}, secret);
      expect(outcome).toEqual({ kind: 'refused', errcode: 'invalid_client', message: '' });
      expect(inspect(outcome, { depth: 10 })).not.toContain(secret);
    }
  });
});

describe('what an error means', () => {
  const explain = (errcode: number | string) => issuerWith().explain(errcode);
  beforeEach(() => start());

  it.each([
    ['invalid_client', 'configuration', /clientSecret and clientAuthentication/],
    ['invalid_scope', 'configuration', /correct scope/],
    ['unauthorized_client', 'configuration', /client_credentials/],
    ['temporarily_unavailable', 'busy', /nothing to do/],
    [429, 'busy', /waits as long as it says/],
    ['vendor_word', 'configuration', /documentation/],
  ])('at the token endpoint: %s is %s', (errcode, kind, remedy) => {
    const advice = explain(errcode);
    expect(advice.class).toBe(kind);
    expect(advice.remedy).toMatch(remedy);
    expect(advice.secretRejected).toBe(errcode === 'invalid_client');
  });

  it.each([
    ['invalid_token', 'yes'],
    [401, 'yes'],
    ['TokenExpired', 'yes'],
    [99991663, 'yes'],
    ['insufficient_scope', 'no'],
    [403, 'no'],
    [429, 'no'],
    [500, 'no'],
    ['invalid_client', 'no'],
  ])('on a business call: a new token for %s? %s', (errcode, cured) => {
    expect(explain(errcode).curedByNewToken).toBe(cured);
  });

  it('says where to look when the answer is not that of a token endpoint', () => {
    const issuer = issuerWith();
    expect(issuer.explainSilence('', 'http_4xx')).toMatch(/^Check tokenUrl/);
    expect(issuer.explainSilence('', 'dns_unknown_name')).toEqual(expect.any(String));
    expect(issuer.explainSilence('', null)).toBeNull();
  });
});
