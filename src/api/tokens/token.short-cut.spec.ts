import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';

/** What differs between a socket and Fastify's injection. */
const OF_THE_CONNECTION = ['date', 'connection', 'keep-alive', 'transfer-encoding', 'x-request-id'];

describe('the short cut of GET /token', () => {
  let edge: Edge;
  let url: string;

  beforeAll(async () => {
    edge = await createEdge({
      clients: [
        apiClient('orders'),
        apiClient('mailer', { apps: ['blog'] }),
        apiClient('stranger', { apps: [] }),
        apiClient('reporter', { scopes: ['token:refresh'] }),
      ],
    });
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
  });
  afterAll(() => edge.app.close());
  beforeEach(() => {
    edge.audit.entries.length = 0;
    edge.observer.requests.length = 0;
    edge.broker.tokens.clear();
    edge.broker.tokens.set('shop', heldToken(7, 7_000_500));
    edge.broker.tokens.set('blog', heldToken(9, 50_000));
  });

  /** Over a socket: the short cut comes first. */
  async function overSocket(method: string, path: string, authorization?: string) {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(url + path, { method, headers });
    return seen(response.status, Object.fromEntries(response.headers), await response.text());
  }

  /** Straight into the framework: the route alone. */
  async function byRoute(method: 'GET' | 'POST', path: string, authorization?: string) {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await edge.app.inject({ method, url: path, headers });
    return seen(response.statusCode, response.headers, response.payload);
  }

  function seen(status: number, headers: Readonly<Record<string, unknown>>, body: string) {
    const told = Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.includes(name));
    const counted = [edge.observer.requests.splice(0), edge.observer.denials.splice(0)];
    return { status, headers: Object.fromEntries(told), body, counted };
  }

  const orders = `Bearer ${keyOf('orders')}`;

  it.each([
    ['GET', '/token?app=shop', orders],
    ['GET', '/token?app=blog', orders],
    ['GET', '/token?app=shop', `bearer   ${keyOf('orders')}`],
    ['GET', '/token', `Bearer ${keyOf('mailer')}`],
    ['GET', '/token?app=blog', `Bearer ${keyOf('mailer')}`],
    ['GET', '/token', orders],
    ['GET', '/token', `Bearer ${keyOf('stranger')}`],
    ['GET', '/token?app=shop', `Bearer ${keyOf('mailer')}`],
    ['GET', '/token?app=shop', `Bearer ${keyOf('reporter')}`],
    ['GET', '/token?app=shop', `Bearer ${keyOf('nobody')}`],
    ['GET', '/token?app=shop', 'Basic b3JkZXJzOg=='],
    ['GET', '/token?app=shop', undefined],
    ['GET', '/token?app=nope', orders],
    ['GET', '/token?app=', orders],
    ['GET', '/token?', orders],
    ['GET', '/token?app=sh%6fp', orders],
    ['GET', '/token?app=shop&app=blog', orders],
    ['GET', '/token?app=shop&min_generation=7', orders],
    ['GET', '/token?app=shop&min_generation=8', orders],
    ['GET', '/token?app=shop&min_generation=x', orders],
    ['GET', '/token?min_generation=7&app=shop', orders],
    ['GET', '/token/', orders],
    ['GET', '/tokens', orders],
    ['POST', '/token?app=shop', orders],
  ] as const)('answers %s %s (%s) as the route does, and is counted as it is', async (method, path, key) => {
    expect(await overSocket(method, path, key)).toEqual(await byRoute(method, path, key));
  });

  it('leaves a request to the route while there is no token', async () => {
    edge.broker.tokens.clear();
    const answer = await overSocket('GET', '/token?app=shop', orders);
    expect(answer.status).toBe(503);
    expect(answer.counted).toEqual([['GET /token 503'], []]);
  });

  it('leaves a read that is to be recorded to the route, and records no other', async () => {
    await overSocket('GET', '/token?app=shop', orders);
    expect(edge.audit.entries).toEqual([]);
    edge.audit.isDue = true;
    const recorded = await overSocket('GET', '/token?app=shop', orders);
    edge.audit.isDue = false;
    expect(recorded).toEqual(await byRoute('GET', '/token?app=shop', orders));
    expect(edge.audit.entries[0]).toMatchObject({ action: 'token.read', client: 'orders', app: 'shop' });
  });

  it('keeps the usual requests away from the framework, which numbers all that it gets', async () => {
    const requestNumber = async (path: string) => {
      const response = await fetch(url + path, { headers: { authorization: orders } });
      await response.arrayBuffer();
      return Number(response.headers.get('x-request-id')?.split('-').at(-1));
    };
    const before = await requestNumber('/apps');
    for (const path of ['/token?app=shop', '/token?app=blog']) await requestNumber(path);
    expect(await requestNumber('/apps')).toBe(before + 1);
  });

  it('answers with the id that the caller gave its request, as the route does', async () => {
    const headers = { authorization: orders, 'x-request-id': 'r-7' };
    const short = await fetch(`${url}/token?app=shop`, { headers });
    await short.arrayBuffer();
    const long = await fetch(`${url}/token?app=shop&min_generation=7`, { headers });
    await long.arrayBuffer();
    expect([short, long].map((answer) => answer.headers.get('x-request-id'))).toEqual(['r-7', 'r-7']);
    const spoilt = { authorization: orders, 'x-request-id': 'r 7' };
    const answer = await fetch(`${url}/token?app=shop`, { headers: spoilt });
    await answer.arrayBuffer();
    expect(answer.headers.get('x-request-id')).toBeNull();
  });

  it.each([
    ['ends beyond every date', { expiresAtMs: Number.MAX_SAFE_INTEGER }],
    ['has no time at all', { expiresAtMs: NaN }],
  ])('serves on when a token in memory %s', async (_, forged) => {
    const held = heldToken(7, 7_000_500);
    edge.broker.tokens.set('shop', { ...held, record: { ...held.record, ...forged } });
    const answer = await overSocket('GET', '/token?app=shop', orders);
    expect(answer.status).toBe(200);
    expect(answer).toEqual(await byRoute('GET', '/token?app=shop', orders));
  });

  it.each(['value', 'record'] as const)(
    'answers 500 and serves on when what is in memory has no %s that can be read',
    async (field) => {
      const spoilt = { ...heldToken(7, 7_000_500), record: { ...heldToken(7, 7_000_500).record } };
      const thrower = {
        get: () => {
          throw new RangeError('spoilt');
        },
      };
      Object.defineProperty(field === 'record' ? spoilt : spoilt.record, field, thrower);
      edge.broker.tokens.set('shop', spoilt);
      const answer = await overSocket('GET', '/token?app=shop', orders);
      expect([answer.status, answer.counted]).toEqual([500, [['GET /token 500'], []]]);
      expect((await overSocket('GET', '/token?app=blog', orders)).status).toBe(200);
    },
  );

  it('ends connections once the broker stops', async () => {
    edge.readiness.stopping();
    const response = await fetch(`${url}/token?app=shop`, { headers: { authorization: orders } });
    expect(response.status).toBe(200);
    expect(response.headers.get('connection')).toBe('close');
    await response.arrayBuffer();
  });
});
