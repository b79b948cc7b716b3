import { apiClient, createEdge, type Edge } from '../../../test/support/create-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { BrokerError } from '../../core/errors.js';
import { cardSignature, jsapiSignature } from './ticket.controller.js';

describe('tickets', () => {
  let edge: Edge;

  beforeEach(async () => {
    edge = await createEdge({
      clients: [
        apiClient('signer', { scopes: ['ticket:read'] }),
        apiClient('orders'),
        apiClient('blogger', { apps: ['blog'], scopes: ['ticket:read'] }),
      ],
    });
    edge.clock.nowMs = 1_000_500;
    edge.tickets.answer = () => heldToken(5, edge.clock.nowMs + 3_600_900);
  });
  afterEach(() => edge.app.close());

  const sign = (payload: unknown, client = 'signer') =>
    edge.send('POST', '/ticket/signature', client, payload);
  const detailOf = (response: { json: () => unknown }) => (response.json() as { detail: string }).detail;

  describe('GET /ticket', () => {
    it('gives the ticket as GET /token gives a token', async () => {
      const response = await edge.send('GET', '/ticket?app=shop&type=jsapi', 'signer');
      expect(response.statusCode).toBe(200);
      expect(response.headers['cache-control']).toBe('no-store');
      expect(response.json()).toEqual({
        app: 'shop',
        type: 'jsapi',
        ticket: '83_value-5',
        expires_in: 3600,
        expires_at: '2026-11-21T10:00:00.000Z',
        generation: 5,
        cache_max_age: 60,
      });
      expect(edge.audit.entries).toMatchObject([
        { action: 'ticket.read', client: 'signer', app: 'shop', reason: 'jsapi' },
      ]);
    });

    it('of the only app of a client', async () => {
      await edge.send('GET', '/ticket?type=wx_card', 'blogger');
      expect(edge.tickets.asked).toEqual(['blog wx_card']);
    });

    it.each([
      ['/ticket?app=shop&type=jsapi', undefined, 401, 'unauthorized'],
      ['/ticket?app=shop&type=jsapi', 'orders', 403, 'forbidden'],
      ['/ticket?app=shop&type=jsapi', 'blogger', 404, 'unknown_app'],
      ['/ticket?type=jsapi', 'signer', 400, 'app_required'],
      ['/ticket?app=shop', 'signer', 400, 'invalid_request'],
      ['/ticket?app=shop&type=agent', 'signer', 400, 'invalid_request'],
      ['/ticket?app=shop&type=jsapi&type=jsapi', 'signer', 400, 'invalid_request'],
    ])('%s of %s is %i %s', async (url, client, status, code) => {
      const response = await edge.send('GET', url, client);
      expect(response.json()).toMatchObject({ status, code });
      expect(edge.tickets.asked).toEqual([]);
    });

    it('says why there is none', async () => {
      edge.tickets.answer = () => {
        throw new BrokerError('no_token_yet', 'Not granted.', { errcode: 48001, retryAfterSeconds: 300 });
      };
      const response = await edge.send('GET', '/ticket?app=shop&type=jsapi', 'signer');
      expect(response.statusCode).toBe(503);
      expect(response.headers['retry-after']).toBe('300');
      expect(response.json()).toMatchObject({ code: 'no_token_yet', errcode: 48001 });
    });
  });

  describe('POST /ticket/signature', () => {
    const nonceStr = '0000000000000000';

    it('signs a page', async () => {
      const url = 'https://example.com/?q=1';
      const response = await sign({ app: 'shop', url });
      expect(response.statusCode).toBe(200);
      expect(response.json()).toEqual({
        app_id: 'wx0123456789abcdef',
        timestamp: 1000,
        nonce_str: nonceStr,
        signature: jsapiSignature({ ticket: '83_value-5', nonceStr, timestamp: 1000, url }),
      });
      expect(edge.tickets.asked).toEqual(['shop jsapi']);
      expect(edge.audit.entries).toMatchObject([{ action: 'ticket.sign', client: 'signer', app: 'shop' }]);
    });

    it('signs a card', async () => {
      const values = ['83_value-5', nonceStr, '1000', 'card-1', 'code-1', ''];
      const response = await sign({ app: 'shop', card_id: 'card-1', code: 'code-1' });
      expect(response.json()).toMatchObject({ signature: cardSignature(values) });
      expect(edge.tickets.asked).toEqual(['shop wx_card']);
    });

    it('signs a page with another ticket of the platform, if it has one of that kind', async () => {
      const body = { app: 'shop', url: 'https://example.com/', type: 'agent_config' };
      expect(detailOf(await sign(body))).toBe('"type" must be one of jsapi, wx_card.');
      edge.tickets.kinds = ['jsapi', 'agent_config'];
      expect((await sign(body)).statusCode).toBe(200);
      expect(edge.tickets.asked).toEqual(['shop agent_config']);
    });

    it('says so where the platform has no tickets', async () => {
      edge.tickets.kinds = [];
      const response = await sign({ app: 'shop', url: 'https://example.com/' });
      expect(response.statusCode).toBe(400);
      expect(detailOf(response)).toBe('The platform of this app has no tickets: name another app.');
    });

    it('is given to any client with the scope, and to no other', async () => {
      expect((await sign({ url: 'https://example.com' }, 'blogger')).statusCode).toBe(200);
      expect((await sign({ app: 'shop', url: 'https://example.com' }, 'orders')).statusCode).toBe(403);
      expect((await sign({ app: 'shop', url: 'https://example.com' }, 'blogger')).statusCode).toBe(404);
    });

    it.each<[unknown, RegExp]>([
      [{ app: 'shop' }, /^Give either url, for a page, or card_id, for a card\.$/],
      [{ app: 'shop', url: 'https://a.example', card_id: 'c' }, /^Give either url/],
      [{ app: 'shop', url: 'https://a.example/#/b' }, /^In the body, url has a fragment/],
      [{ app: 'shop', url: 'a.example' }, /^In the body, url must be the whole address/],
      [{ app: 'shop', url: 7 }, /^In the body, url must be a string\.$/],
      [{ app: 'shop', url: 'https://a.example', ticket: 't' }, /a field "ticket" that this route does not/],
      [[], /^The body must be a JSON object/],
    ])('refuses %j', async (body, detail) => {
      const response = await sign(body);
      expect(response.statusCode).toBe(400);
      expect(detailOf(response)).toMatch(detail);
      expect(edge.tickets.asked).toEqual([]);
    });
  });
});
