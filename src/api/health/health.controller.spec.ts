import { createEdge, type Edge } from '../../../test/support/create-edge.js';

describe('health', () => {
  let edge: Edge;

  beforeEach(async () => {
    edge = await createEdge();
    edge.broker.isReady = false;
    edge.broker.statuses.set('blog', { state: 'pending' });
  });
  afterEach(() => edge.app.close());

  const apps = [
    { app: 'shop', state: 'ok' },
    { app: 'blog', state: 'pending' },
  ];

  it('is live from start to end, and asks for no key', async () => {
    const starting = await edge.send('GET', '/health/live');
    edge.readiness.stopping();
    const stopping = await edge.send('GET', '/health/live');
    expect([starting.statusCode, starting.json()]).toEqual([200, { status: 'ok' }]);
    expect(stopping.statusCode).toBe(200);
  });

  it('is not ready while it starts', async () => {
    const response = await edge.send('GET', '/health/ready');
    expect(response.statusCode).toBe(503);
    expect(response.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'retry-after': '1',
    });
    expect(response.json()).toMatchObject({ code: 'starting', status: 503, retry_after: 1, apps });
  });

  it('once ready stays ready, whatever becomes of the apps', async () => {
    edge.broker.isReady = true;
    const ready = await edge.send('GET', '/health/ready');
    edge.broker.isReady = false;
    const later = await edge.send('GET', '/health/ready');
    expect([ready.statusCode, ready.json()]).toEqual([200, { status: 'ready', apps }]);
    expect(later.statusCode).toBe(200);
  });

  it('works the states out once a second, however often it is asked', async () => {
    edge.broker.isReady = true;
    const stateOfBlog = async (): Promise<unknown> => {
      const body: { apps: { state: string }[] } = (await edge.send('GET', '/health/ready')).json();
      return body.apps[1]?.state;
    };
    expect(await stateOfBlog()).toBe('pending');
    edge.broker.statuses.set('blog', { state: 'ok' });
    edge.clock.pass(999);
    expect(await stateOfBlog()).toBe('pending');
    edge.clock.pass(1);
    expect(await stateOfBlog()).toBe('ok');
  });

  it('lists thousands of apps, and those that there are once apps are gone meanwhile', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `app-${index}`);
    const many = await createEdge({ apps: names });
    const listed = async (): Promise<string[]> => {
      const body: { apps: { app: string }[] } = (await many.send('GET', '/health/ready')).json();
      return body.apps.map(({ app }) => app);
    };
    expect(await listed()).toEqual(names);
    many.clock.pass(1000);
    const left = names.slice(0, 300);
    const stateOf = many.broker.state.bind(many.broker);
    many.broker.state = (app) => {
      if (app === 'app-500') Object.assign(many.broker, { apps: left });
      return stateOf(app);
    };
    expect(await listed()).toEqual(left);
    await many.app.close();
  });

  it('is not ready from the moment it stops', async () => {
    edge.broker.isReady = true;
    await edge.send('GET', '/health/ready');
    edge.readiness.stopping();
    const response = await edge.send('GET', '/health/ready');
    expect(response.statusCode).toBe(503);
    expect(response.headers).toMatchObject({ 'retry-after': '1', connection: 'close' });
    expect(response.json()).toMatchObject({ code: 'stopping', apps });
  });
});

describe('with an admin port', () => {
  let edge: Edge;
  let urls: { readonly callers: string; readonly admin: string };

  beforeAll(async () => {
    edge = await createEdge({ adminPort: 0, docs: true });
    await edge.app.listen(0, '127.0.0.1');
    urls = { callers: await edge.app.getUrl(), admin: (await edge.admin.listen('127.0.0.1')) ?? '' };
  });
  afterAll(() => edge.app.close());

  const statusAt = async (port: keyof typeof urls, path: string) => (await fetch(urls[port] + path)).status;

  it('readiness names no app to callers, neither ready nor stopping', async () => {
    const bodyAt = async (port: keyof typeof urls) => (await fetch(`${urls[port]}/health/ready`)).json();
    expect(await bodyAt('callers')).toEqual({ status: 'ready' });
    expect(await bodyAt('admin')).toMatchObject({ apps: [{ app: 'shop' }, { app: 'blog' }] });
    edge.readiness.stopping();
    expect(await bodyAt('callers')).toMatchObject({ code: 'stopping' });
    expect(await bodyAt('callers')).not.toHaveProperty('apps');
    expect(await bodyAt('admin')).toHaveProperty('apps');
  });

  it('each port has its own routes, and no others', async () => {
    for (const path of ['/metrics', '/nowhere'])
      expect([path, await statusAt('callers', path)]).toEqual([path, 404]);
    for (const path of ['/health/live', '/docs/openapi.json']) {
      expect([path, await statusAt('callers', path)]).toEqual([path, 200]);
    }
    for (const path of ['/metrics', '/health/live'])
      expect([path, await statusAt('admin', path)]).toEqual([path, 200]);
    for (const path of ['/token', '/apps', '/gateway/shop/x', '/docs/openapi.json', '/nowhere']) {
      expect([path, await statusAt('admin', path)]).toEqual([path, 404]);
    }
  });
});
