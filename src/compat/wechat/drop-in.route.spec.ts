import { keyOf, type Edge } from '../../../test/support/create-edge.js';
import { askClassic, askStable, createDropInEdge } from '../../../test/support/drop-in-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { BrokerError } from '../../core/errors.js';

const CONTENT_TYPE = 'application/json; encoding=utf-8';

describe('the drop-in token endpoints', () => {
  let edge: Edge;

  beforeEach(async () => {
    edge = await createDropInEdge();
  });
  afterEach(() => edge.app.close());

  const classic = (parameters?: Record<string, string>) => askClassic(edge, parameters);
  const stable = (fields?: object, headers?: Record<string, string>) => askStable(edge, fields, headers);

  it('answer as WeChat does', async () => {
    for (const response of [await classic(), await stable()]) {
      expect(response.statusCode).toBe(200);
      expect(response.headers['content-type']).toBe(CONTENT_TYPE);
      expect(response.headers['cache-control']).toBe('no-store');
      expect(Object.keys(response.json())).toEqual(['access_token', 'expires_in']);
      expect(response.json()).toMatchObject({ expires_in: 3600 });
    }
  });

  it('prefer, of apps with one AppID, the one that is fetched as the SDK would fetch it', async () => {
    expect((await classic()).json()).toMatchObject({ access_token: '83_value-2' });
    expect((await stable()).json()).toMatchObject({ access_token: '83_value-1' });
    expect((await classic({ appid: 'wxb' })).json()).toMatchObject({ access_token: '83_value-3' });
  });

  it('promise a client no more than its configuration says', async () => {
    const secret = keyOf('forgetful');
    expect((await classic({ secret })).json()).toMatchObject({ expires_in: 300 });
    expect((await stable({ secret })).json()).toMatchObject({ expires_in: 300 });
    edge.broker.tokens.set('shop', heldToken(8, 200_000));
    expect((await stable({ secret })).json()).toMatchObject({ expires_in: 100 });
  });

  it.each([
    [{ grant_type: '' }, 40002, 'invalid grant_type'],
    [{ grant_type: 'client_credentials' }, 40002, 'invalid grant_type'],
    [{ appid: '' }, 41002, 'appid missing'],
    [{ secret: '' }, 41004, 'appsecret missing'],
    [{ secret: 'nobody', appid: 'wx-of-nobody' }, 40125, 'invalid appsecret'],
    [{ appid: 'wx-of-nobody' }, 40013, 'invalid appid'],
    [{ secret: keyOf('blogger') }, 40013, 'invalid appid'],
    [{ secret: keyOf('signer') }, 48001, 'api unauthorized'],
  ])('refuse %j with %i', async (parameters, errcode, text) => {
    for (const response of [await classic(parameters), await stable(parameters)]) {
      expect(response.statusCode).toBe(200);
      expect(response.headers['content-type']).toBe(CONTENT_TYPE);
      expect(Object.keys(response.json())).toEqual(['errcode', 'errmsg']);
      expect(response.json()).toMatchObject({
        errcode,
        errmsg: expect.stringMatching(new RegExp(`^${text}, access-token-broker: `)) as string,
      });
    }
  });

  it.each([
    ['GET', '/cgi-bin/stable_token', 43002],
    ['POST', '/cgi-bin/stable_token', 44002],
    ['PUT', '/cgi-bin/token', 43001],
    ['PUT', '/cgi-bin/ticket/getticket', 43001],
    ['GET', '/cgi-bin/user/info', 40066],
    ['PUT', '/cgi-bin/message/custom/send', 40066],
    ['GET', '/cgi-bin', 40066],
    ['POST', '/wxa/business/getuserphonenumber', 40066],
    ['POST', '/wxaapi/newtmpl/addtemplate', 40066],
    ['POST', '/datacube/getusersummary', 40066],
    ['GET', '/card/get', 40066],
    ['POST', '/customservice/kfaccount/add', 40066],
  ] as const)('refuse %s %s with %i, as WeChat would', async (method, path, errcode) => {
    const response = await edge.send(method, `${path}?secret=${keyOf('orders')}`);
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe(CONTENT_TYPE);
    expect(response.json()).toMatchObject({ errcode });
    expect(response.body).not.toContain(keyOf('orders'));
  });

  it('refuse an upload that belongs to WeChat for its path, not for its size', async () => {
    const response = await edge.app.inject({
      method: 'POST',
      url: '/cgi-bin/media/upload',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      payload: 'x'.repeat(2_000_000),
    });
    expect(response.json()).toMatchObject({ errcode: 40066 });
  });

  it('leave paths that are not of WeChat to the rest of the broker', async () => {
    for (const path of ['/wxabc', '/tokens', '/cgi-bins/token']) {
      expect((await edge.send('GET', path, 'orders')).statusCode).toBe(404);
    }
  });

  describe('take the parameters of the classic one', () => {
    const parameters = { grant_type: 'client_credential', appid: 'wxb', secret: keyOf('orders') };
    const form = new URLSearchParams(parameters).toString();

    it.each([
      ['in the URL of a POST', `?${form}`, undefined, ''],
      ['as a form', '', 'application/x-www-form-urlencoded', form],
      ['as JSON', '', 'application/json', JSON.stringify(parameters)],
      ['as JSON of no type', '', undefined, JSON.stringify(parameters)],
      ['in both', `?appid=wxb&secret=${parameters.secret}`, 'application/json', JSON.stringify(parameters)],
    ])('%s', async (_, query, type, payload) => {
      const response = await edge.app.inject({
        method: 'POST',
        url: `/cgi-bin/token${query}`,
        headers: type === undefined ? {} : { 'content-type': type },
        payload,
      });
      expect(response.json()).toMatchObject({ access_token: '83_value-3' });
    });

    it('once', async () => {
      const payload = `${form}&secret=${parameters.secret}`;
      const response = await edge.app.inject({ method: 'POST', url: '/cgi-bin/token', payload });
      expect(response.json()).toMatchObject({ errcode: 41004 });
    });
  });

  it.each(['{', '[]', 'null', '"text"', 'x'.repeat(20_000)])(
    'refuse a body that is no object: %.10s',
    async (payload) => {
      const response = await edge.app.inject({ method: 'POST', url: '/cgi-bin/stable_token', payload });
      expect(response.statusCode).toBe(200);
      expect(response.json()).toMatchObject({
        errcode: 47001,
        errmsg: expect.stringMatching(/^data format error, /) as string,
      });
    },
  );

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json;charset=UTF-8'])(
    'take JSON that is sent as %s',
    async (type) => {
      expect((await stable({}, { 'content-type': type })).json()).toMatchObject({ expires_in: 3600 });
    },
  );

  it('count and record whom they turn away', async () => {
    await classic({ secret: '' });
    await stable({ secret: 'nobody' });
    await classic({ secret: keyOf('signer') });
    await stable({ secret: keyOf('blogger') });
    expect(edge.observer.denials).toEqual([
      'missing_key /cgi-bin/token',
      'unknown_key /cgi-bin/stable_token',
      'missing_scope /cgi-bin/token',
    ]);
    expect(edge.audit.entries.map(({ client, reason }) => [client, reason])).toEqual([
      [null, 'missing_key'],
      [null, 'unknown_key'],
      ['signer', 'missing_scope'],
      ['blogger', 'unknown_app'],
    ]);
  });

  it('count every answer that is no token, since HTTP says that all is well', async () => {
    await classic();
    await classic({ secret: 'nobody' });
    edge.broker.tokens.delete('shop');
    await stable();
    await edge.app.inject({ url: '/cgi-bin/user/info' });
    expect(edge.observer.refusals).toEqual([
      '/cgi-bin/token 40125',
      '/cgi-bin/stable_token -1',
      '/cgi-bin/* 40066',
    ]);
    expect(edge.observer.requests.filter((one) => one.endsWith(' 200'))).toHaveLength(4);
    expect(edge.observer.possibleRefusals).toEqual(
      ['token', 'stable_token', 'ticket/getticket', 'gettoken'].flatMap((route) => [
        `/cgi-bin/${route} -1`,
        `/cgi-bin/${route} ${route === 'gettoken' ? '45009' : '45011'}`,
      ]),
    );
  });

  it('wait for the first token, and say why there is none', async () => {
    edge.broker.tokens.delete('shop');
    expect((await stable()).json()).toEqual({
      errcode: -1,
      errmsg: 'system error, access-token-broker: no_token_yet: No token yet.',
    });
    edge.broker.currentAnswer = () => {
      throw new BrokerError('token_expired', 'Wrong secret.', { errcode: 40125, retryAfterSeconds: 300 });
    };
    expect((await stable()).json()).toEqual({
      errcode: 45011,
      errmsg:
        'api minute-quota reach limit, must slower, retry next minute, access-token-broker: token_expired: Wrong secret.',
    });
    edge.broker.currentAnswer = () => heldToken(8, 1000);
    expect((await stable()).json()).toEqual({ access_token: '83_value-8', expires_in: 1 });
  });

  it('say nothing about an error that nobody foresaw, and log it without the key', async () => {
    edge.broker.tokens.delete('shop-classic');
    edge.broker.currentAnswer = () => {
      throw new TypeError('boom');
    };
    expect((await classic()).json()).toEqual({
      errcode: -1,
      errmsg:
        'system error, access-token-broker: internal_error: the broker failed at this request. Its log says why.',
    });
    expect(edge.logger.errors.join()).toMatch(/GET \/cgi-bin\/token.*boom/s);
    expect(edge.logger.errors.join()).not.toContain(keyOf('orders'));
  });
});
