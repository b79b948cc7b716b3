import { createHash } from 'node:crypto';
import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';

describe('an API key that has expired', () => {
  let edge: Edge;

  beforeAll(async () => {
    const sha256 = createHash('sha256').update(keyOf('orders')).digest('hex');
    edge = await createEdge({
      apps: ['shop', 'hr'],
      statuses: {
        shop: { appId: 'wx0123456789abcdef' },
        hr: { provider: 'wecom', appId: 'ww0123456789abcdef' },
      },
      clients: [
        apiClient('orders', { keySha256: [], keys: [{ sha256, expiresAt: '1970-01-01T00:00:01Z' }] }),
        apiClient('mailer'),
      ],
    });
    edge.clock.pass(1000);
  });
  afterAll(() => edge.app.close());

  it('is answered with 401 and why, counted and audited', async () => {
    const response = await edge.send('GET', '/apps', 'orders');
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toBe('Bearer');
    expect(response.json()).toMatchObject({
      code: 'key_expired',
      detail: expect.stringContaining('has expired'),
    });
    expect(edge.observer.denials).toEqual(['expired_key /apps']);
    expect(edge.audit.entries).toMatchObject([
      { action: 'access.refused', client: null, reason: 'expired_key' },
    ]);
    expect((await edge.send('GET', '/apps', 'mailer')).statusCode).toBe(200);
  });

  const key = keyOf('orders');
  it.each([
    ['WeChat', `/cgi-bin/token?grant_type=client_credential&appid=wx0123456789abcdef&secret=${key}`],
    ['WeCom', `/cgi-bin/gettoken?corpid=ww0123456789abcdef&corpsecret=${key}`],
  ])('is told in the words of %s', async (_platform, url) => {
    const response = await edge.app.inject({ method: 'GET', url });
    expect(response.json<{ errmsg: string }>().errmsg).toContain('This API key has expired');
  });

  it('is told in the words of OAuth 2.0', async () => {
    const response = await edge.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: `grant_type=client_credentials&client_id=shop&client_secret=${key}`,
    });
    expect(response.statusCode).toBe(401);
    expect(response.json()).toMatchObject({
      error: 'invalid_client',
      error_description: expect.stringContaining('has expired'),
    });
  });
});
