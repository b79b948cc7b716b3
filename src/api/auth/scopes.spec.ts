import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { startEchoingApi } from '../../../test/support/echoing-api.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import type { HeldToken } from '../../core/token.js';
import type { ClientAccess } from './client-access.js';

type Scope = Parameters<ClientAccess['may']>[0];

const OF_APPS: readonly Scope[] = ['token:read', 'token:refresh', 'token:admin', 'ticket:read'];
const OF_USERS: readonly Scope[] = ['login', 'login:tokens', 'login:session-key', 'users:read'];
const OF_CALLS: readonly Scope[] = ['gateway', 'gateway:admin', 'ticket:read'];
const OF_CONSOLE: readonly Scope[] = ['console', 'console:act'];
const KINDS = [OF_APPS, OF_USERS, OF_CALLS, OF_CONSOLE];
const SUBSETS = [...KINDS.flatMap(subsetsOf), KINDS.flat()];

function subsetsOf(scopes: readonly Scope[]): Scope[][] {
  return Array.from({ length: 2 ** scopes.length }, (_, bits) =>
    scopes.filter((_scope, index) => (bits >> index) % 2 === 1),
  );
}

const APP_ID = 'wx0123456789abcdef';
const MINI_APP_ID = 'wxfedcba9876543210';
const CORP_ID = 'ww0123456789abcdef';
const withValue = (generation: number, value: string): HeldToken => {
  const held = heldToken(generation, 7_000_500);
  return { ...held, record: { ...held.record, value } };
};
const TOKEN = withValue(7, 'canary-of-the-current-token');
const NEWER = withValue(8, 'canary-of-the-newer-token');
const TICKET = withValue(5, 'canary-of-the-ticket');

const USER_TOKEN = 'canary-of-the-user-token';
const SESSION_KEY = 'canary-of-the-session-key';

/** Whose value an answer shows. */
type Shown = 'token' | 'ticket' | 'user token' | 'session key';

interface Way {
  readonly what: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Any of JSON; a function, of the API key. */
  readonly body?: object | ((key: string) => object);
  /** Of the API key. */
  readonly query?: (key: string) => Record<string, string>;
  /** Instead of JSON. */
  readonly form?: (key: string) => Record<string, string>;
  /** How the broker answers a report. */
  readonly report?: 'rotated' | 'still_valid' | 'no_budget';
  /** For which scopes, all together, it shows what; left out: never anything. */
  readonly shows?: readonly [Shown, ...Scope[]];
}

const REFRESH = { method: 'POST', path: '/token/refresh' } as const;
const asWechat = (key: string) => ({ grant_type: 'client_credential', appid: APP_ID, secret: key });

const LOGIN_BODIES: Readonly<Record<string, object>> = {
  'authorize-url': { app: 'shop', redirect_uri: 'https://a.example' },
  exchange: { app: 'shop', code: 'c', state: 's', binding: 'b' },
  redeem: { ticket: 't', binding: 'b' },
  phone: { app: 'shop', code: 'c' },
  userinfo: { session: 's' },
  'session/check': { session: 's' },
  'session/decrypt': { session: 's', encrypted_data: 'd', iv: 'i' },
  logout: { session: 's' },
};

/** All routes, and all that they can answer with. */
const WAYS: readonly Way[] = [
  { what: 'the token', method: 'GET', path: '/token?app=shop', shows: ['token', 'token:read'] },
  {
    what: 'a newer token',
    method: 'GET',
    path: '/token?app=shop&min_generation=8',
    shows: ['token', 'token:read'],
  },
  { what: 'the stream', method: 'GET', path: '/token/events?app=shop', shows: ['token', 'token:read'] },
  { what: 'the stream of all', method: 'GET', path: '/token/events?app=*', shows: ['token', 'token:read'] },
  ...(['rotated', 'still_valid', 'no_budget'] as const).flatMap((report): Way[] => [
    {
      ...REFRESH,
      what: `a report: ${report}`,
      body: { app: 'shop' },
      report,
      shows: ['token', 'token:refresh', 'token:read'],
    },
    {
      ...REFRESH,
      what: `a report by generation: ${report}`,
      body: { app: 'shop', generation: 7, errcode: 40001 },
      report,
      shows: ['token', 'token:refresh', 'token:read'],
    },
    {
      ...REFRESH,
      what: `a forced one: ${report}`,
      body: { app: 'shop', force: true },
      report,
      shows: ['token', 'token:refresh', 'token:admin', 'token:read'],
    },
  ]),
  { what: 'a report of an unknown app', ...REFRESH, body: { app: 'nope' } },
  { what: 'a faulty report', ...REFRESH, body: { app: 'shop', access_token: 1 } },
  { what: 'a ticket', method: 'GET', path: '/ticket?app=shop&type=jsapi', shows: ['ticket', 'ticket:read'] },
  {
    what: 'a signature',
    method: 'POST',
    path: '/ticket/signature',
    body: { app: 'shop', url: 'https://a.example/' },
  },
  { what: 'a card', method: 'POST', path: '/ticket/signature', body: { app: 'shop', card_id: 'c' } },
  { what: 'the apps', method: 'GET', path: '/apps' },
  { what: 'the state of the configuration', method: 'GET', path: '/config/status' },
  ...['session', 'apps', 'apps/shop', 'apps/shop/history', 'callers', 'system', 'stream'].map(
    (path): Way => ({
      what: `the console: ${path}`,
      method: 'GET',
      path: `/console/api/${path}`,
    }),
  ),
  { what: 'the console: signing in', method: 'POST', path: '/console/api/session', body: (key) => ({ key }) },
  { what: 'the console: a try', method: 'POST', path: '/console/api/apps/shop/probe', body: {} },
  ...(['rotated', 'no_budget'] as const).map((report): Way => ({
    what: `the console: a forced refresh: ${report}`,
    method: 'POST',
    path: '/console/api/apps/shop/refresh',
    body: { reason: 'it leaked' },
    report,
  })),
  { what: 'the page of the console', method: 'GET', path: '/console' },
  { what: 'liveness', method: 'GET', path: '/health/live' },
  { what: 'readiness', method: 'GET', path: '/health/ready' },
  { what: 'the metrics', method: 'GET', path: '/metrics' },
  { what: 'the document', method: 'GET', path: '/docs/openapi.json' },
  { what: 'no route', method: 'GET', path: '/nowhere' },
  { what: 'a call', method: 'GET', path: '/gateway/shop/cgi-bin/echo?a=1' },
  { what: 'a call that resets a quota', method: 'POST', path: '/gateway/shop/cgi-bin/clear_quota', body: {} },
  { what: 'a call for a token', method: 'GET', path: '/gateway/shop/cgi-bin/token' },
  {
    what: 'a call for a ticket',
    method: 'GET',
    path: '/gateway/shop/cgi-bin/ticket/getticket?type=jsapi',
    shows: ['ticket', 'ticket:read', 'gateway'],
  },
  {
    what: "a call on the platform's own path with an API key",
    method: 'GET',
    path: '/cgi-bin/echo',
    query: (key) => ({ access_token: key }),
  },
  {
    what: 'a classic token',
    method: 'POST',
    path: '/cgi-bin/token',
    body: asWechat,
    report: 'still_valid',
    shows: ['token', 'token:read'],
  },
  {
    what: 'a stable token',
    method: 'POST',
    path: '/cgi-bin/stable_token',
    body: asWechat,
    report: 'still_valid',
    shows: ['token', 'token:read'],
  },
  {
    what: 'a stable token, forced',
    method: 'POST',
    path: '/cgi-bin/stable_token',
    body: (key) => ({ ...asWechat(key), force_refresh: true }),
    report: 'rotated',
    shows: ['token', 'token:read', 'token:refresh'],
  },
  {
    what: 'a token of WeCom',
    method: 'GET',
    path: '/cgi-bin/gettoken',
    query: (key) => ({ corpid: CORP_ID, corpsecret: key }),
    report: 'still_valid',
    shows: ['token', 'token:read'],
  },
  {
    what: 'a token of OAuth 2.0',
    method: 'POST',
    path: '/oauth2/token',
    form: (key) => ({ grant_type: 'client_credentials', client_id: 'shop', client_secret: key }),
    shows: ['token', 'token:read'],
  },
  ...Object.entries(LOGIN_BODIES).map(([path, body]): Way => ({
    what: `login: ${path}`,
    method: 'POST',
    path: `/login/${path}`,
    body,
  })),
  { what: 'users', method: 'POST', path: '/users/info', body: { app: 'shop', openids: ['o1'] } },
  { what: 'a callback', method: 'GET', path: '/login/callback/shop?code=c&state=s' },
  {
    what: "a user's tokens",
    method: 'POST',
    path: '/login/tokens',
    body: { session: 's' },
    shows: ['user token', 'login:tokens'],
  },
  {
    what: 'a session_key',
    method: 'POST',
    path: '/login/session/key',
    body: { session: 's' },
    shows: ['session key', 'login:session-key'],
  },
  {
    what: "a user's token, for an SDK",
    method: 'GET',
    path: '/sns/oauth2/access_token',
    query: (key) => ({ grant_type: 'authorization_code', appid: APP_ID, secret: key, code: 'c' }),
    shows: ['user token', 'login'],
  },
  {
    what: 'a session_key, for an SDK',
    method: 'GET',
    path: '/sns/jscode2session',
    query: (key) => ({ grant_type: 'authorization_code', appid: MINI_APP_ID, secret: key, js_code: 'c' }),
    shows: ['session key', 'login'],
  },
  // Whoever has a user's token may ask WeChat itself: an API key opens nothing here.
  {
    what: "a user's new token with an API key",
    method: 'GET',
    path: '/sns/oauth2/refresh_token',
    query: (key) => ({ grant_type: 'refresh_token', appid: APP_ID, refresh_token: key }),
  },
  ...['userinfo', 'auth'].map((what): Way => ({
    what: `${what} with an API key`,
    method: 'GET',
    path: `/sns/${what}`,
    query: (key) => ({ access_token: key, openid: 'o' }),
  })),
  // Whoever has a living token may fetch the ticket from WeChat as well: an API key opens nothing here.
  {
    what: "WeChat's ticket with an API key",
    method: 'POST',
    path: '/cgi-bin/ticket/getticket',
    body: (key) => ({ access_token: key, type: 'jsapi' }),
  },
];

describe('no answer has a token, a ticket, or a secret of a user without the scope for it', () => {
  let edge: Edge;
  let url: string;

  beforeAll(async () => {
    edge = await createEdge({
      gateway: { apps: [await startEchoingApi('shop')] },
      apps: ['shop', 'hr', 'mini'],
      statuses: {
        mini: { appId: MINI_APP_ID },
        hr: { provider: 'wecom', appId: CORP_ID, grant: 'agent-1000002' },
      },
      clients: SUBSETS.map((scopes, index) =>
        apiClient(`client-${index}`, { scopes, gateway: { allow: ['* /**'], maxBodyBytes: 1000 } }),
      ),
      docs: true,
      console: true,
    });
    const bodyWith = (value: string) => ({ kind: 'body', body: JSON.stringify({ value }) }) as const;
    edge.logins.dropInAnswer = (_app, kind) => {
      if (kind === undefined) return { kind: 'unknown_token' };
      return bodyWith(kind === 'web' ? USER_TOKEN : SESSION_KEY);
    };
    edge.broker.tokens.set('shop', TOKEN);
    edge.broker.tokens.set('hr', TOKEN);
    edge.broker.currentAnswer = () => NEWER;
    edge.tickets.answer = () => TICKET;
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
  });
  afterAll(() => edge.app.close());

  /** Status line, headers and body, or as much as comes at once of a stream, as one text. */
  async function wholeAnswer({ method, path, query, body, form }: Way, key: string): Promise<string> {
    const sent: object | undefined =
      typeof body === 'function' ? (body as (key: string) => object)(key) : body;
    const search = query ? `?${new URLSearchParams(query(key)).toString()}` : '';
    const response = await fetch(url + path + search, {
      method,
      redirect: 'manual',
      headers: {
        ...(!form && !query && { authorization: `Bearer ${key}` }),
        ...(sent && { 'content-type': 'application/json' }),
      },
      ...(sent && { body: JSON.stringify(sent) }),
      ...(form && { body: new URLSearchParams(form(key)) }),
    });
    const head = JSON.stringify([response.status, response.statusText, ...response.headers]);
    if (response.headers.get('content-type') !== 'text/event-stream') return head + (await response.text());
    for await (const first of response.body ?? []) return head + Buffer.from(first).toString();
    return head;
  }

  it.each(WAYS)('$what', async (way) => {
    edge.broker.reportAnswer = () =>
      way.report === 'no_budget'
        ? { kind: 'budget_exhausted', detail: 'Used up.', retryAfterSeconds: 9, token: TOKEN }
        : {
            kind: 'answered',
            refreshed: way.report === 'rotated',
            reason: way.report ?? 'rotated',
            token: NEWER,
          };
    for (const [index, scopes] of SUBSETS.entries()) {
      const answer = await wholeAnswer(way, keyOf(`client-${index}`));
      const shown = {
        token: [TOKEN, NEWER].some(({ record }) => answer.includes(record.value)),
        ticket: answer.includes(TICKET.record.value),
        userToken: answer.includes(USER_TOKEN),
        sessionKey: answer.includes(SESSION_KEY),
      };
      const [what, ...needed] = way.shows ?? [];
      const isShown = what !== undefined && needed.every((scope) => scopes.includes(scope));
      expect({ scopes, ...shown }).toEqual({
        scopes,
        token: isShown && what === 'token',
        ticket: isShown && what === 'ticket',
        userToken: isShown && what === 'user token',
        sessionKey: isShown && what === 'session key',
      });
    }
  });

  it('is looked at for every route that is described', async () => {
    const { paths } = (await edge.send('GET', '/docs/openapi.json')).json<{ paths: object }>();
    const looked = new Set(
      WAYS.map(({ path }) =>
        path
          .split('?')[0]
          ?.replace(/^\/gateway\/.*/, '/gateway/{app}/{path}')
          .replace('/console/api/apps/shop', '/console/api/apps/{app}')
          .replace(/^\/cgi-bin\/echo$/, '/cgi-bin/{path}'),
      ),
    );
    looked.add('/login/callback/{app}');
    looked.add('/console/{path}');
    expect(Object.keys(paths).filter((path) => !looked.has(path))).toEqual([]);
  });
});
