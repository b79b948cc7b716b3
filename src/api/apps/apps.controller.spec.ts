import { apiClient, createEdge, type Edge } from '../../../test/support/create-edge.js';

describe('GET /apps', () => {
  let edge: Edge;

  beforeAll(async () => {
    edge = await createEdge({
      clients: [apiClient('orders', { scopes: [] }), apiClient('mailer', { apps: ['blog'] })],
    });
  });
  afterAll(() => edge.app.close());

  it('shows the apps that the caller sees, to any key', async () => {
    const all = await edge.send('GET', '/apps', 'orders');
    const some = await edge.send('GET', '/apps', 'mailer');
    expect(all.statusCode).toBe(200);
    expect(all.json<{ app: string }[]>().map(({ app }) => app)).toEqual(['shop', 'blog']);
    expect(some.json<{ app: string }[]>().map(({ app }) => app)).toEqual(['blog']);
  });

  it('shows how an app fares', async () => {
    const response = await edge.send('GET', '/apps', 'mailer');
    expect(response.json()).toEqual([
      {
        app: 'blog',
        provider: 'wechat',
        type: 'official_account',
        grant: 'stable',
        app_id: 'wx0123456789abcdef',
        state: 'ok',
        generation: 7,
        issued_at: '2026-11-21T08:00:00.000Z',
        expires_at: '2026-11-21T10:00:00.000Z',
        next_refresh_at: '2026-11-21T09:55:30.000Z',
        last_error: null,
        fetches_today: 13,
        fetch_budget: 200,
      },
    ]);
  });

  it('shows an app that never had a token, and why', async () => {
    edge.broker.statuses.set('blog', {
      state: 'pending',
      generation: null,
      issuedAtMs: null,
      expiresAtMs: null,
      nextRefreshAtMs: null,
      lastError: {
        class: 'unavailable',
        errcode: null,
        message: 'timed out',
        remedy: 'Check the network.',
        atMs: 0,
      },
    });
    const response = await edge.send('GET', '/apps', 'mailer');
    expect(response.json()).toMatchObject([
      {
        state: 'pending',
        generation: null,
        issued_at: null,
        expires_at: null,
        next_refresh_at: null,
        last_error: {
          errcode: null,
          message: 'timed out',
          remedy: 'Check the network.',
          at: '1970-01-01T00:00:00.000Z',
        },
      },
    ]);
  });

  it('is closed without a key', async () => {
    expect((await edge.send('GET', '/apps')).statusCode).toBe(401);
    expect((await edge.send('GET', '/apps', 'nobody')).statusCode).toBe(401);
  });
});
