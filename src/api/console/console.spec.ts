import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { BrokerError } from '../../core/errors.js';
import type { HistoryEvent } from '../../core/ports/history.js';
import { Callers } from '../auth/callers.js';

const HOUR_MS = 60 * 60 * 1000;
const CLIENTS = [
  apiClient('ops', { scopes: ['console', 'console:act'] }),
  apiClient('viewer', { scopes: ['console'], apps: ['blog'] }),
  apiClient('orders'),
];
const clientWithKeyOf = (key: string, name: string) => apiClient(key, { name, scopes: ['console'] });
const EVENT: HistoryEvent = {
  id: 'e-1',
  atMs: 0,
  app: 'shop',
  replica: 'replica-1',
  kind: 'rotated',
  generation: 7,
  fingerprint: '01234567',
  reason: 'scheduled',
  caller: null,
  result: 'new_token',
  errcode: null,
  message: null,
  remedy: null,
  durationMs: 120,
};

type Method = 'GET' | 'POST' | 'DELETE';

describe('the console', () => {
  let edge: Edge;
  let cookie: string;
  let csrf: string;

  const signIn = (key: string, headers = {}) =>
    edge.app.inject({ method: 'POST', url: '/console/api/session', payload: { key }, headers });
  const send = (method: Method, path: string, payload?: object, headers: object = { 'x-csrf-token': csrf }) =>
    edge.app.inject({
      method,
      url: `/console/api${path}`,
      headers: { cookie, ...headers },
      ...(payload && { payload }),
    });
  const signInAs = async (client: string): Promise<void> => {
    const response = await signIn(keyOf(client));
    cookie = String(response.headers['set-cookie']).split(';')[0] ?? '';
    ({ csrf } = response.json<{ csrf: string }>());
  };
  const replace = (clients: typeof CLIENTS): void => {
    edge.app.get(Callers).replace({ clients, issuers: [] }, edge.broker.apps);
  };

  beforeAll(async () => {
    edge = await createEdge({ clients: CLIENTS, console: true, auth: { failuresPerMinute: 3 } });
  });
  afterAll(() => edge.app.close());
  beforeEach(async () => {
    replace(CLIENTS);
    edge.clock.nowMs = 0;
    edge.config.state = { ...edge.config.state, faults: [] };
    edge.broker.tests.length = 0;
    edge.broker.reports.length = 0;
    edge.broker.testAnswer = 'accepted';
    await signInAs('ops');
    edge.audit.entries.length = 0;
  });

  describe('a session', () => {
    it('begins with a key of the scope console, in a cookie that no script reads', async () => {
      const response = await signIn(keyOf('viewer'));
      expect(response.json()).toEqual({
        client: 'viewer',
        can_act: false,
        csrf: expect.stringMatching(/^[\w-]{24}$/) as string,
        expires_at: new Date(8 * HOUR_MS).toISOString(),
        broker_version: '1.2.3',
      });
      expect(response.headers['set-cookie']).toMatch(
        /^console_session=[\w-]+; Path=\/console; Max-Age=28800; HttpOnly; SameSite=Strict$/,
      );
      expect(edge.audit.entries).toMatchObject([
        { action: 'console.sign_in', client: 'viewer', status: 200 },
      ]);
    });

    it('does not begin with another key, whose address is soon answered 429', async () => {
      const codes = [];
      for (const key of [keyOf('orders'), 'a', 'b', 'c', 'd']) {
        const response = await signIn(key);
        expect(response.headers['set-cookie']).toBeUndefined();
        codes.push([response.statusCode, response.json<{ code: string }>().code]);
      }
      const wrong = [401, 'unauthorized'];
      expect(codes).toEqual([[403, 'forbidden'], wrong, wrong, wrong, [429, 'rate_limited']]);
    });

    it('is told, and ends in the browser', async () => {
      expect((await send('GET', '/session')).json()).toMatchObject({ client: 'ops', can_act: true, csrf });
      const end = await send('DELETE', '/session');
      expect([end.statusCode, end.headers['set-cookie']]).toEqual([
        204,
        'console_session=; Path=/console; Max-Age=0; HttpOnly; SameSite=Strict',
      ]);
    });

    it.each<[string, () => void]>([
      ['after 8 hours', () => void (edge.clock.nowMs = 8 * HOUR_MS)],
      [
        'with its client',
        () => {
          replace(CLIENTS.slice(1));
        },
      ],
      [
        'with its key',
        () => {
          replace([clientWithKeyOf('other', 'ops')]);
        },
      ],
      [
        'with a key that is another client’s now',
        () => {
          replace([clientWithKeyOf('ops', 'else')]);
        },
      ],
    ])('ends %s', async (_when, happens) => {
      expect((await send('GET', '/apps')).statusCode).toBe(200);
      happens();
      const response = await send('GET', '/apps');
      expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([401, 'unauthorized']);
    });

    it('sees only what its client may still see', async () => {
      replace([apiClient('ops', { scopes: ['console'], apps: ['blog'] })]);
      expect((await send('GET', '/apps')).json<{ items: object[] }>().items).toMatchObject([{ app: 'blog' }]);
      expect((await send('POST', '/apps/blog/probe')).statusCode).toBe(403);
      replace([apiClient('ops', { scopes: ['token:read'] })]);
      expect((await send('GET', '/apps')).statusCode).toBe(403);
    });

    it.each([
      ['none', ''],
      ['garbage', 'console_session=Zm9v'],
      ['too much', `console_session=${'a'.repeat(5000)}`],
    ])('is needed: %s', async (_what, text) => {
      cookie = text;
      expect((await send('GET', '/apps')).statusCode).toBe(401);
    });

    it('cannot be changed', async () => {
      const sealed = cookie.slice('console_session='.length);
      for (const at of [0, 20, sealed.length - 2]) {
        const other = sealed[at] === 'A' ? 'B' : 'A';
        cookie = `console_session=${sealed.slice(0, at)}${other}${sealed.slice(at + 1)}`;
        expect((await send('GET', '/apps')).statusCode).toBe(401);
      }
    });

    it('changes nothing without its csrf', async () => {
      for (const headers of [{}, { 'x-csrf-token': 'wrong' }, { 'x-csrf-token': `${csrf}x` }]) {
        const response = await send('POST', '/apps/shop/probe', {}, headers);
        expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([403, 'forbidden']);
      }
      expect(edge.broker.tests).toEqual([]);
    });

    it('is not needed by a key in the header, nor is a csrf', async () => {
      cookie = '';
      const headers = { authorization: `Bearer ${keyOf('ops')}` };
      expect((await send('GET', '/apps', undefined, headers)).statusCode).toBe(200);
      expect((await send('POST', '/apps/shop/probe', {}, headers)).statusCode).toBe(200);
      const wrong = { authorization: `Bearer ${keyOf('orders')}` };
      expect((await send('GET', '/apps', undefined, wrong)).statusCode).toBe(403);
    });
  });

  describe('shows', () => {
    it('the apps in pages, by name', async () => {
      const first = await send('GET', '/apps?limit=1');
      expect(first.json()).toMatchObject({
        items: [
          { app: 'blog', state: 'ok', suspect_reason: null, forced_budget: 20, disagreeing_replicas: [] },
        ],
        next: 'blog',
      });
      const second = await send('GET', '/apps?after=blog');
      expect(second.json()).toMatchObject({ items: [{ app: 'shop' }], next: null });
      expect((await send('GET', '/apps?limit=0')).statusCode).toBe(400);
    });

    it('an app: who uses it on all replicas, and lines to use it', async () => {
      edge.consoleData.uses.set('shop', {
        callers: [{ client: 'orders', reads: 3, reports: 0, lastReadAtMs: 1000, lastReportAtMs: null }],
        login: { total: 2, failed: 1, lastAtMs: 0 },
        gateway: null,
      });
      const detail = (await send('GET', '/apps/shop')).json<{ snippets: { id: string; text: string }[] }>();
      expect(detail).toMatchObject({
        row: { app: 'shop' },
        callers: [
          {
            client: 'orders',
            reads: 3,
            reports: 0,
            last_read_at: '1970-01-01T00:00:01.000Z',
            last_report_at: null,
          },
        ],
        login: { total: 2, failed: 1, last_at: '1970-01-01T00:00:00.000Z' },
        gateway: null,
      });
      expect(detail.snippets.map(({ id }) => id)).toEqual(['curl', 'node', 'java', 'go', 'php', 'python']);
      for (const { text } of detail.snippets) {
        expect(text).toContain('shop');
        expect(text).toContain('${KEY}');
      }
    });

    it('what happened to an app, the newest first', async () => {
      await edge.consoleData.record(EVENT);
      await edge.consoleData.record({ ...EVENT, id: 'e-2', kind: 'healed' });
      await edge.consoleData.record({ ...EVENT, id: 'e-3', app: 'blog' });
      const first = (await send('GET', '/apps/shop/history?limit=1')).json<{ next: string }>();
      expect(first).toMatchObject({ events: [{ id: 'e-2', kind: 'healed' }] });
      const rest = await send('GET', `/apps/shop/history?before=${first.next}`);
      const { atMs, durationMs, ...same } = EVENT;
      expect(rest.json()).toEqual({
        events: [{ ...same, at: new Date(atMs).toISOString(), duration_ms: durationMs }],
        next: null,
      });
      expect((await send('GET', '/apps/shop/history?before=no%20cursor')).statusCode).toBe(400);
    });

    it('all callers to whoever sees all apps, and to others themselves', async () => {
      const all = (await send('GET', '/callers')).json<{ items: { client: string }[] }>();
      expect(all.items.map(({ client }) => client)).toEqual(['ops', 'viewer', 'orders']);
      await signInAs('viewer');
      const own = (await send('GET', '/callers')).json<{ items: object[] }>();
      expect(own.items).toMatchObject([{ client: 'viewer', apps: ['blog'], scopes: ['console'] }]);
    });

    it('the faults of the configuration to whoever sees all apps', async () => {
      edge.config.state = { ...edge.config.state, faults: ['apps[1].appId: is wrong'] };
      expect((await send('GET', '/system')).json()).toMatchObject({
        replica: 'replica-1',
        store: { kind: 'memory', ok: true },
        config: { ok: false, faults: ['apps[1].appId: is wrong'] },
      });
      await signInAs('viewer');
      expect((await send('GET', '/system')).json()).toMatchObject({ config: { ok: false, faults: [] } });
    });

    it('no app that the client may not see', async () => {
      await signInAs('viewer');
      for (const path of ['/apps/shop', '/apps/shop/history', '/apps/nope']) {
        expect((await send('GET', path)).json()).toMatchObject({ status: 404, code: 'unknown_app' });
      }
    });
  });

  describe('acts', () => {
    const force = (reason: unknown) => send('POST', '/apps/shop/refresh', { reason });

    it.each([
      ['accepted', 'alive'],
      ['rejected', 'dead'],
      ['no_answer', 'unknown'],
    ] as const)('by trying a token: %s', async (answer, outcome) => {
      edge.broker.testAnswer = answer;
      expect((await send('POST', '/apps/shop/probe')).json()).toMatchObject({ outcome, errcode: null });
      expect(edge.broker.tests).toEqual([{ app: 'shop', caller: 'ops' }]);
      expect(edge.audit.entries).toMatchObject([
        { action: 'console.probe', client: 'ops', app: 'shop', reason: outcome },
      ]);
    });

    it('by replacing a token, with the reason in the audit', async () => {
      const token = heldToken(8, 1000);
      edge.broker.reportAnswer = () => ({ kind: 'answered', refreshed: true, reason: 'rotated', token });
      const response = await force('it leaked');
      expect(response.json()).toEqual({ result: 'rotated', generation: 8, message: null, remedy: null });
      expect(edge.broker.reports).toEqual([
        { app: 'shop', report: { caller: 'ops', force: true, why: 'it leaked' } },
      ]);
      expect(edge.audit.entries).toMatchObject([
        { action: 'token.force', client: 'ops', app: 'shop', note: 'it leaked', reason: 'rotated' },
      ]);
    });

    it('says why a token was not replaced', async () => {
      edge.broker.reportAnswer = () => ({
        kind: 'budget_exhausted',
        detail: 'Used up.',
        retryAfterSeconds: 9,
        token: null,
      });
      expect((await force('again')).json()).toMatchObject({
        result: 'budget_exhausted',
        message: 'Used up.',
      });
      edge.broker.reportAnswer = () => {
        throw new BrokerError('upstream_rejected', 'No new token: 40164.', { errcode: 40164 });
      };
      expect((await force('again')).json()).toMatchObject({ result: 'upstream_rejected', generation: null });
    });

    it.each([[''], ['a'.repeat(201)], [7], [undefined]])('not without a reason: %p', async (reason) => {
      expect((await force(reason)).statusCode).toBe(400);
      expect(edge.broker.reports).toEqual([]);
    });

    it('for nobody without the scope console:act', async () => {
      await signInAs('viewer');
      for (const [path, body] of [
        ['/apps/blog/probe', {}],
        ['/apps/blog/refresh', { reason: 'why' }],
      ] as const) {
        expect((await send('POST', path, body)).json()).toMatchObject({ status: 403, code: 'forbidden' });
      }
      expect([edge.broker.tests, edge.broker.reports]).toEqual([[], []]);
    });
  });

  it('lets nothing of elsewhere load and nobody frame it, and tells no proxy to keep its answers', async () => {
    for (const url of ['/console', '/console/api/apps', '/console/api/session']) {
      const { headers } = await edge.app.inject({ method: 'GET', url, headers: { cookie } });
      expect(headers['content-security-policy']).toMatch(
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/,
      );
      expect([headers['x-content-type-options'], headers['referrer-policy']]).toEqual([
        'nosniff',
        'no-referrer',
      ]);
      expect(headers['cache-control']).toBe(url === '/console' ? 'no-cache' : 'no-store');
    }
  });
});

describe('the place of the console', () => {
  it('is nowhere when it is off', async () => {
    const edge = await createEdge({ clients: CLIENTS });
    for (const url of ['/console', '/console/', '/console/api/apps', '/console/api/stream']) {
      expect((await edge.send('GET', url, 'ops')).statusCode).toBe(404);
    }
    expect((await edge.send('POST', '/console/api/session', undefined, { key: 'k' })).statusCode).toBe(404);
    await edge.app.close();
  });

  it('is the admin port where there is one', async () => {
    const edge = await createEdge({ clients: CLIENTS, console: true, adminPort: 0 });
    expect((await edge.send('GET', '/console')).statusCode).toBe(404);
    expect(
      (await edge.send('POST', '/console/api/session', undefined, { key: keyOf('ops') })).statusCode,
    ).toBe(404);
    const admin = await edge.admin.listen('127.0.0.1');
    expect((await fetch(`${String(admin)}/console`)).status).toBe(200);
    await edge.app.close();
  });
});
