import { createHash } from 'node:crypto';
import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { BrokerError } from '../../core/errors.js';

const REPORT = '/token/refresh';

/** The beginning of the SHA-256 of a client's key. */
const keyId = (client: string) => createHash('sha256').update(keyOf(client)).digest('hex').slice(0, 8);

describe('what the HTTP edge records', () => {
  let edge: Edge;

  beforeAll(async () => {
    edge = await createEdge({
      clients: [
        apiClient('orders'),
        apiClient('mailer', { apps: ['blog'] }),
        apiClient('reader', { scopes: ['token:read'] }),
        apiClient('admin', { scopes: ['token:refresh', 'token:admin'] }),
      ],
    });
  });
  afterAll(() => edge.app.close());
  beforeEach(() => {
    edge.audit.entries.length = 0;
    edge.broker.tokens.set('shop', heldToken(7, 7_000_500));
  });

  const origin = { requestId: expect.any(String) as string, remote: '127.0.0.1', via: '127.0.0.1' };

  it('a read: who, which app, which token', async () => {
    const response = await edge.app.inject({
      url: '/token?app=shop',
      headers: { authorization: 'Bearer key-of-orders', 'x-request-id': 'r-7' },
    });
    expect(response.statusCode).toBe(200);
    expect(edge.audit.entries).toEqual([
      {
        action: 'token.read',
        client: 'orders',
        key: keyId('orders'),
        app: 'shop',
        status: 200,
        reason: null,
        token: heldToken(7, 0).record,
        origin: { requestId: 'r-7', remote: '127.0.0.1', via: '127.0.0.1' },
      },
    ]);
  });

  it('a report: what came of it, and the errcode that it was for', async () => {
    edge.broker.reportAnswer = () => ({
      kind: 'answered',
      refreshed: true,
      reason: 'rotated',
      token: heldToken(8, 7_000_500),
    });
    await edge.send('POST', REPORT, 'orders', { app: 'shop', errcode: 40001 });
    await edge.send('POST', REPORT, 'admin', { app: 'shop', force: true });
    const answered = {
      app: 'shop',
      status: 200,
      reason: 'rotated',
      token: { generation: 8, value: '83_value-8' },
    };
    expect(edge.audit.entries).toEqual([
      { ...answered, action: 'token.report', client: 'orders', key: keyId('orders'), errcode: 40001, origin },
      {
        ...answered,
        action: 'token.force',
        client: 'admin',
        key: keyId('admin'),
        errcode: undefined,
        origin,
      },
    ]);
  });

  it.each([
    ['budget_exhausted', 429, 'refresh_budget_exhausted'],
    ['upstream_rejected', 503, 'upstream_rejected'],
    ['not_a_token_error', 422, 'not_a_token_error'],
  ] as const)('a report that came to nothing: %s', async (what, status, reason) => {
    edge.broker.reportAnswer = () => {
      if (what !== 'budget_exhausted') throw new BrokerError(what, 'No.');
      return { kind: 'budget_exhausted', detail: 'Used up.', retryAfterSeconds: 1, token: null };
    };
    await edge.send('POST', REPORT, 'orders', { app: 'shop' });
    expect(edge.audit.entries).toMatchObject([{ action: 'token.report', status, reason }]);
    expect(edge.audit.entries[0]?.token).toBeUndefined();
  });

  it.each([
    ['no key', 'GET', '/token?app=shop', undefined, undefined, null, null, 401, 'missing_key', '/token'],
    ['a wrong key', 'POST', REPORT, 'nobody', {}, null, null, 401, 'unknown_key', REPORT],
    ['no scope', 'POST', REPORT, 'reader', {}, 'reader', null, 403, 'missing_scope', REPORT],
    ['force', 'POST', REPORT, 'orders', { force: true }, 'orders', null, 403, 'missing_scope', REPORT],
    [
      'an app of others',
      'GET',
      '/token?app=shop',
      'mailer',
      undefined,
      'mailer',
      'shop',
      404,
      'unknown_app',
      '/token',
    ],
    [
      'a posted app of others',
      'POST',
      REPORT,
      'mailer',
      { app: 'shop' },
      'mailer',
      'shop',
      404,
      'unknown_app',
      REPORT,
    ],
    [
      'an app that is none',
      'GET',
      '/token?app=s3cret',
      'orders',
      undefined,
      'orders',
      null,
      404,
      'unknown_app',
      '/token',
    ],
  ] as const)('a refusal: %s', async (_, method, url, key, payload, client, app, status, reason, route) => {
    const response = await edge.send(method, url, key, payload);
    expect(response.statusCode).toBe(status);
    expect(edge.audit.entries).toEqual([
      {
        action: 'access.refused',
        client,
        ...(client !== null && { key: keyId(client) }),
        app,
        status,
        reason,
        route,
        origin,
      },
    ]);
  });

  it('nothing for what is public, and nothing where nothing was handed out', async () => {
    edge.broker.tokens.clear();
    await edge.send('GET', '/health/live');
    await edge.send('GET', '/metrics');
    await edge.send('GET', '/nowhere');
    await edge.send('GET', '/token?app=shop', 'orders');
    expect(edge.audit.entries).toEqual([]);
  });
});
