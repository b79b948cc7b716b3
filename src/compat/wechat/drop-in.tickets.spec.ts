import type { Edge } from '../../../test/support/create-edge.js';
import { createDropInEdge } from '../../../test/support/drop-in-edge.js';
import { BrokerError } from '../../core/errors.js';

const CONTENT_TYPE = 'application/json; encoding=utf-8';

describe('the drop-in ticket endpoint', () => {
  let edge: Edge;

  beforeEach(async () => {
    edge = await createDropInEdge();
  });
  afterEach(() => edge.app.close());

  const getTicket = (query: string) => edge.app.inject({ url: `/cgi-bin/ticket/getticket?${query}` });

  it('take a living access token for the key', async () => {
    const response = await getTicket('access_token=83_value-3&type=wx_card');
    expect(response.headers['content-type']).toBe(CONTENT_TYPE);
    expect(response.body).toBe('{"errcode":0,"errmsg":"ok","ticket":"83_value-5","expires_in":3600}');
    expect(edge.tickets.asked).toEqual(['blog wx_card']);
    expect(edge.audit.entries).toMatchObject([{ action: 'ticket.read', client: null, app: 'blog' }]);
  });

  it.each([
    ['in the URL', '?access_token=83_value-3&type=wx_card', ''],
    ['as a form', '', 'access_token=83_value-3&type=wx_card'],
    ['as JSON', '', JSON.stringify({ access_token: '83_value-3', type: 'wx_card' })],
  ])('take a POST with its parameters %s', async (_, query, payload) => {
    const url = `/cgi-bin/ticket/getticket${query}`;
    const response = await edge.app.inject({ method: 'POST', url, payload });
    expect(response.json()).toMatchObject({ errcode: 0, ticket: '83_value-5' });
  });

  it.each([
    ['type=jsapi', 41001, 'access_token missing'],
    ['access_token=83_value-1&access_token=83_value-1&type=jsapi', 41001, 'access_token missing'],
    ['access_token=83_value-9&type=jsapi', 40001, 'invalid credential, access_token is invalid'],
    ['access_token=83_value-1&type=agent', 40097, 'invalid args'],
    ['access_token=83_value-1', 40097, 'invalid args'],
  ])('refuse %s with %i', async (query, errcode, text) => {
    const body = (await getTicket(query)).json<{ errcode: number; errmsg: string }>();
    expect(body.errcode).toBe(errcode);
    expect(body.errmsg).toContain(text);
    expect(edge.tickets.asked).toEqual([]);
  });

  it('name the reason of a refused access token, which is no API key', async () => {
    await getTicket('access_token=83_value-9&type=jsapi');
    expect(edge.observer.denials).toEqual(['unknown_token /cgi-bin/ticket/getticket']);
    expect(edge.audit.entries).toMatchObject([{ action: 'access.refused', reason: 'unknown_token' }]);
  });

  it('say why there is none', async () => {
    edge.tickets.answer = () => {
      throw new BrokerError('no_token_yet', 'Not granted.', { errcode: 48001, retryAfterSeconds: 300 });
    };
    const { errcode, errmsg } = (await getTicket('access_token=83_value-1&type=jsapi')).json<{
      errcode: number;
      errmsg: string;
    }>();
    expect(errcode).toBe(45011);
    expect(errmsg).toMatch(/access-token-broker: no_token_yet: Not granted\.$/);
  });
});
