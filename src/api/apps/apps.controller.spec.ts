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

  describe('in pages', () => {
    const names = Array.from({ length: 25 }, (_, n) => `app-${String((n * 7) % 25).padStart(2, '0')}`);
    let many: Edge;

    beforeAll(async () => {
      many = await createEdge({
        clients: [apiClient('orders'), apiClient('mailer', { apps: ['app-03'] })],
        apps: names,
      });
      for (const app of names.slice(0, 10)) many.broker.statuses.set(app, { state: 'suspect' });
    });
    afterAll(() => many.app.close());

    const follow = async (first: string, client = 'orders'): Promise<string[][]> => {
      const pages: string[][] = [];
      for (let url: string | undefined = first; url !== undefined;) {
        const response = await many.send('GET', url, client);
        expect(response.statusCode).toBe(200);
        pages.push(response.json<{ app: string }[]>().map(({ app }) => app));
        url = /^<([^>]+)>; rel="next"$/.exec(String(response.headers.link))?.[1];
      }
      return pages;
    };

    it.each([1, 7, 24, 25, 26, 1000])('of %i names each app once, in the order of names', async (limit) => {
      const pages = await follow(`/apps?limit=${limit}`);
      expect(pages.flat()).toEqual([...names].sort());
      expect(pages.every((page) => page.length > 0 && page.length <= limit)).toBe(true);
    });

    it('shows one state only, over all pages', async () => {
      const pages = await follow('/apps?limit=3&state=suspect');
      expect(pages.map((page) => page.length)).toEqual([3, 3, 3, 1]);
      expect(pages.flat()).toEqual(names.slice(0, 10).sort());
      expect(await follow('/apps?state=pending')).toEqual([[]]);
    });

    it('goes on behind a name that is not there any more, and shows nothing that the caller does not see', async () => {
      expect((await follow('/apps?after=app-03x&limit=1000')).flat()[0]).toBe('app-04');
      expect(await follow('/apps?after=app-02&limit=5', 'mailer')).toEqual([['app-03']]);
    });

    it.each([
      ['limit=0', '"limit" must be a whole number from 1 to 1000.'],
      ['limit=1001', '"limit" must be a whole number from 1 to 1000.'],
      ['limit=ten', '"limit" must be a whole number from 1 to 1000.'],
      ['state=dead', '"state" must be one of ok, suspect, degraded, expired, pending.'],
      ['state=ok&state=ok', 'Give "state" only once.'],
      ['after=a&after=b', 'Give "after" only once.'],
    ])('refuses %s and says why', async (query, detail) => {
      const response = await many.send('GET', `/apps?${query}`, 'orders');
      expect(response.statusCode).toBe(400);
      expect(response.json()).toMatchObject({ code: 'invalid_request', detail });
    });
  });

  it('is closed without a key', async () => {
    expect((await edge.send('GET', '/apps')).statusCode).toBe(401);
    expect((await edge.send('GET', '/apps', 'nobody')).statusCode).toBe(401);
  });
});
