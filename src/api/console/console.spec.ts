import { CONSOLE_CLIENTS, ConsoleVisitor } from '../../../test/support/console-visitor.js';
import { createEdge, keyOf } from '../../../test/support/create-edge.js';
import { eventually } from '../../../test/support/eventually.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { BrokerError } from '../../core/errors.js';
import type { HistoryEvent } from '../../core/ports/history.js';
import { replicaReport } from '../../core/ports/replica-registry.contract.js';
import type { CallersView } from './console.views.js';

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

describe('the console', () => {
  const visit = ConsoleVisitor.forTests();
  const send: ConsoleVisitor['send'] = (...request) => visit.current.send(...request);

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
      visit.current.edge.consoleData.uses.set('shop', {
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
      await visit.current.edge.consoleData.record(EVENT);
      await visit.current.edge.consoleData.record({ ...EVENT, id: 'e-2', kind: 'healed' });
      await visit.current.edge.consoleData.record({ ...EVENT, id: 'e-3', app: 'blog' });
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
      await visit.current.signInAs('viewer');
      const own = (await send('GET', '/callers')).json<{ items: object[] }>();
      expect(own.items).toMatchObject([{ client: 'viewer', apps: ['blog'], scopes: ['console'] }]);
    });

    it('of a caller, what it did on all replicas, and on which one each key was used last', async () => {
      const { consoleData } = visit.current.edge;
      const { keys } = (await send('GET', '/callers')).json<CallersView>().items[2] ?? { keys: [] };
      const [id = ''] = keys.map((key) => key.id);
      const use = (reads: number, lastUsedAtMs: number) => ({
        ...{ client: 'orders', reads, reports: 1, refused: 2 },
        identities: [{ kind: 'key', id, uses: reads, lastUsedAtMs }],
      });
      consoleData.clients = [use(3, 1000)];
      await consoleData.registry.beat(replicaReport('b', { answers: { '*': [use(40, 2000), 'junk'] } }));
      consoleData.board.start();
      await eventually('the other replica', () => consoleData.board.all.length === 2);
      const of = async () => {
        visit.current.edge.clock.pass(1000);
        return (await send('GET', '/callers')).json<CallersView>().items[2];
      };
      expect(await of()).toMatchObject({
        ...{ client: 'orders', reads: 43, reports: 2, refused: 4 },
        ...{ last_used_at: '1970-01-01T00:00:02.000Z', last_used_on: 'b' },
        keys: [{ id, uses: 43, last_used_at: '1970-01-01T00:00:02.000Z', last_used_on: 'b' }],
      });
      await consoleData.registry.noteUses('c', new Map([[`orders key ${id}`, 3000]]));
      expect(await of()).toMatchObject({ last_used_on: 'c', keys: [{ uses: 43, last_used_on: 'c' }] });
      await consoleData.board.stop();
    });

    it('callers out of one collection for all who ask within a second', async () => {
      const { consoleData, clock } = visit.current.edge;
      const { board } = consoleData;
      let collections = 0;
      const answersOfAll = board.answersOfAll.bind(board);
      board.answersOfAll = (topic) => {
        collections += 1;
        return answersOfAll(topic);
      };
      const ask = async () => (await send('GET', '/callers')).statusCode;
      // Beyond the times of the tests before, which ask the same edge.
      clock.pass(60_000);
      expect(await Promise.all([ask(), ask(), ask()])).toEqual([200, 200, 200]);
      expect(await ask()).toBe(200);
      expect(collections).toBe(1);
      clock.pass(1000);
      expect(await ask()).toBe(200);
      expect(collections).toBe(2);
    });

    it('the faults of the configuration to whoever sees all apps', async () => {
      visit.current.edge.config.state = {
        ...visit.current.edge.config.state,
        faults: ['apps[1].appId: is wrong'],
      };
      expect((await send('GET', '/system')).json()).toMatchObject({
        replica: 'replica-1',
        store: { kind: 'memory', ok: true },
        config: { ok: false, faults: ['apps[1].appId: is wrong'] },
      });
      await visit.current.signInAs('viewer');
      expect((await send('GET', '/system')).json()).toMatchObject({ config: { ok: false, faults: [] } });
    });

    it('no app that the client may not see', async () => {
      await visit.current.signInAs('viewer');
      for (const path of ['/apps/shop', '/apps/shop/history', '/apps/nope']) {
        expect((await send('GET', path)).json()).toMatchObject({ status: 404, code: 'unknown_app' });
      }
    });
  });

  describe('acts', () => {
    const force = (reason: unknown) => send('POST', '/apps/shop/refresh', { reason });

    it.each([
      ['accepted', 'alive', null, null, null, null],
      ['rejected', 'dead', 42001, 'access_token expired', null, /^It was reported in your name/],
      ['no_answer', 'unknown', 40164, 'not in whitelist', 'Add it.', /^Add it.$/],
      [
        'no_answer',
        'unknown',
        null,
        'the platform has no such call',
        null,
        /^Look at the row of the platform/,
      ],
    ] as const)('by trying a token: %s', async (answer, outcome, errcode, message, remedy, todo) => {
      visit.current.edge.broker.testAnswer = { outcome: answer, errcode, message, remedy };
      expect((await send('POST', '/apps/shop/probe')).json()).toMatchObject({
        outcome,
        errcode,
        message,
        remedy: todo && (expect.stringMatching(todo) as string),
      });
      expect(visit.current.edge.broker.tests).toEqual([{ app: 'shop', caller: 'ops' }]);
      expect(visit.current.edge.audit.entries).toMatchObject([
        { action: 'console.probe', client: 'ops', app: 'shop', reason: outcome },
      ]);
    });

    it('by replacing a token, with the reason in the audit', async () => {
      const token = heldToken(8, 1000);
      visit.current.edge.broker.reportAnswer = () => ({
        kind: 'answered',
        refreshed: true,
        reason: 'rotated',
        token,
      });
      const response = await force('it leaked');
      expect(response.json()).toEqual({ result: 'rotated', generation: 8, message: null, remedy: null });
      expect(visit.current.edge.broker.reports).toEqual([
        { app: 'shop', report: { caller: 'ops', force: true, why: 'it leaked' } },
      ]);
      expect(visit.current.edge.audit.entries).toMatchObject([
        { action: 'token.force', client: 'ops', app: 'shop', note: 'it leaked', reason: 'rotated' },
      ]);
    });

    it('says why a token was not replaced', async () => {
      visit.current.edge.broker.reportAnswer = () => ({
        kind: 'budget_exhausted',
        detail: 'Used up.',
        retryAfterSeconds: 9,
        token: null,
      });
      expect((await force('again')).json()).toMatchObject({
        result: 'budget_exhausted',
        message: 'Used up.',
      });
      visit.current.edge.broker.reportAnswer = () => {
        throw new BrokerError('upstream_rejected', 'No new token: 40164.', { errcode: 40164 });
      };
      expect((await force('again')).json()).toMatchObject({ result: 'upstream_rejected', generation: null });
    });

    it.each([[''], ['a'.repeat(201)], [7], [undefined]])('not without a reason: %p', async (reason) => {
      expect((await force(reason)).statusCode).toBe(400);
      expect(visit.current.edge.broker.reports).toEqual([]);
    });

    it('for nobody without the scope console:act', async () => {
      await visit.current.signInAs('viewer');
      for (const [path, body] of [
        ['/apps/blog/probe', {}],
        ['/apps/blog/refresh', { reason: 'why' }],
      ] as const) {
        expect((await send('POST', path, body)).json()).toMatchObject({ status: 403, code: 'forbidden' });
      }
      expect([visit.current.edge.broker.tests, visit.current.edge.broker.reports]).toEqual([[], []]);
    });
  });

  it('lets nothing of elsewhere load and nobody frame it, and tells no proxy to keep its answers', async () => {
    for (const url of ['/console', '/console/api/apps', '/console/api/session']) {
      const { headers } = await visit.current.edge.app.inject({
        method: 'GET',
        url,
        headers: { cookie: visit.current.cookie },
      });
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
    const edge = await createEdge({ clients: CONSOLE_CLIENTS });
    for (const url of ['/console', '/console/', '/console/api/apps', '/console/api/stream']) {
      expect((await edge.send('GET', url, 'ops')).statusCode).toBe(404);
    }
    expect((await edge.send('POST', '/console/api/session', undefined, { key: 'k' })).statusCode).toBe(404);
    await edge.app.close();
  });

  it('is the admin port where there is one', async () => {
    const edge = await createEdge({ clients: CONSOLE_CLIENTS, console: true, adminPort: 0 });
    expect((await edge.send('GET', '/console')).statusCode).toBe(404);
    expect(
      (await edge.send('POST', '/console/api/session', undefined, { key: keyOf('ops') })).statusCode,
    ).toBe(404);
    const admin = await edge.admin.listen('127.0.0.1');
    expect((await fetch(`${String(admin)}/console`)).status).toBe(200);
    await edge.app.close();
  });
});
