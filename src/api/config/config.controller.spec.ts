import { apiClient, createEdge, type Edge } from '../../../test/support/create-edge.js';

describe('the state of the configuration', () => {
  let edge: Edge;

  beforeAll(async () => {
    edge = await createEdge({
      clients: [apiClient('orders'), apiClient('operator', { scopes: ['token:admin'] })],
    });
  });
  afterAll(() => edge.app.close());
  beforeEach(() => {
    edge.config.state = { ...edge.config.state, faults: [], restartRequired: [] };
  });

  const header = async (client = 'orders'): Promise<unknown> =>
    (await edge.send('GET', '/apps', client)).headers['x-config-status'];

  it('is for token:admin alone', async () => {
    const response = await edge.send('GET', '/config/status', 'orders');
    expect(response.statusCode).toBe(403);
    expect(response.json()).toMatchObject({ code: 'forbidden' });
    expect((await edge.send('GET', '/config/status')).statusCode).toBe(401);
  });

  it('says what is in force since when, what is wrong and what waits', async () => {
    const faults = ['apps[1].appId: must be wx and 16 hex digits'];
    edge.config.state = { ...edge.config.state, faults, restartRequired: ['server.port'] };
    const response = await edge.send('GET', '/config/status', 'operator');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      loaded_at: '2026-11-21T08:00:00.000Z',
      sha256: 'ab'.repeat(32),
      ok: false,
      faults,
      restart_required: ['server.port'],
    });
  });

  it('has no hash where there is no file', async () => {
    edge.config.state = { ...edge.config.state, sha256: null };
    const response = await edge.send('GET', '/config/status', 'operator');
    expect(response.json()).toMatchObject({ sha256: null, ok: true });
  });

  it.each<[string, { faults?: string[]; restartRequired?: string[] }, string]>([
    ['all is well', {}, 'ok'],
    [
      'a restart is due',
      { restartRequired: ['server.port', 'redis.url'] },
      'restart_required: server.port, redis.url',
    ],
    [
      'a file is faulty',
      { faults: ['apps: first', 'clients: second'], restartRequired: ['server.port'] },
      'faulty: apps: first',
    ],
    [
      'a fault has a line break',
      { faults: ['apps: one\r\nset-cookie: a=b'] },
      'faulty: apps: one?set-cookie: a=b',
    ],
    ['a fault is not ASCII', { faults: ['apps.店: must be a name'] }, 'faulty: apps.?: must be a name'],
    ['a fault is long', { faults: ['x'.repeat(5000)] }, `faulty: ${'x'.repeat(292)}`],
  ])('is in a header of GET /apps, when %s', async (_what, state, expected) => {
    edge.config.state = { ...edge.config.state, ...state };
    expect(await header()).toBe(expected);
  });
});
