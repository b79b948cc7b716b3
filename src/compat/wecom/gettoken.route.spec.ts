import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { startEchoingApi } from '../../../test/support/echoing-api.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { BrokerError } from '../../core/errors.js';

const CORP_ID = 'ww3c1f87e5d2b94a60';

describe('GET /cgi-bin/gettoken', () => {
  let edge: Edge;

  beforeEach(async () => {
    edge = await createEdge({
      apps: ['hr', 'sales', 'shop'],
      clients: [
        apiClient('payroll', { apps: ['hr', 'shop'] }),
        apiClient('reports', { apps: ['hr', 'sales'] }),
        apiClient('shopper', { apps: ['shop'] }),
        apiClient('signer', { apps: ['hr'], scopes: ['ticket:read'] }),
        apiClient('forgetful', { apps: ['hr'], maxExpiresInSeconds: 300 }),
      ],
      statuses: {
        hr: { provider: 'wecom', appId: CORP_ID, grant: 'agent-1000002' },
        sales: { provider: 'wecom', appId: CORP_ID, grant: 'agent-1000003' },
      },
    });
    for (const [index, app] of ['hr', 'sales', 'shop'].entries()) {
      edge.broker.tokens.set(app, heldToken(index + 1, 7_200_000));
    }
  });
  afterEach(() => edge.app.close());

  const ask = async (client: string, corpid = CORP_ID, corpsecret = keyOf(client)) => {
    const query = new URLSearchParams({ corpid, corpsecret });
    const response = await edge.app.inject({ url: `/cgi-bin/gettoken?${query.toString()}` });
    expect(response.statusCode).toBe(200);
    return response.json<{ errcode: number; errmsg: string; access_token?: string; expires_in?: number }>();
  };

  it('answers as WeCom does, with the token of the one app of the corp that the key sees', async () => {
    expect(await ask('payroll')).toEqual({
      errcode: 0,
      errmsg: 'ok',
      access_token: '83_value-1',
      expires_in: expect.any(Number) as number,
    });
    expect(edge.broker.reports).toMatchObject([{ app: 'hr', report: { isGuess: true } }]);
  });

  it("is the only way to a corp's token: WeChat's endpoints know no CorpID, and this one no AppID of WeChat", async () => {
    const query = { grant_type: 'client_credential', appid: CORP_ID, secret: keyOf('payroll') };
    const asWechat = await edge.app.inject({ url: '/cgi-bin/token', query });
    expect(asWechat.json()).toMatchObject({ errcode: 40013 });
    expect(await ask('shopper', 'wx0123456789abcdef')).toMatchObject({ errcode: 40013 });
  });

  it('promises no more than the client is to be promised', async () => {
    expect(await ask('forgetful')).toMatchObject({ expires_in: 300 });
  });

  it.each([
    ['no CorpID', 'payroll', '', undefined, 41002, 'corpid missing'],
    ['no key', 'payroll', CORP_ID, '', 41004, 'corpsecret missing'],
    ['an unknown key', 'payroll', CORP_ID, 'tbk_unknown-key-0123456789', 40001, 'invalid credential'],
    ['an unknown corp', 'payroll', 'ww0', undefined, 40013, 'invalid corpid'],
    ['a corp whose apps the key does not see', 'shopper', CORP_ID, undefined, 40013, 'invalid corpid'],
    ['a key that sees several apps of the corp', 'reports', CORP_ID, undefined, 40013, 'several apps'],
    ['a key without the scope', 'signer', CORP_ID, undefined, 48002, 'token:read'],
  ])('refuses %s with errcode and errmsg', async (_, client, corpId, key, errcode, text) => {
    const answer = await ask(client, corpId, key);
    expect(answer).toEqual({ errcode, errmsg: expect.stringContaining(text) as string });
    expect(answer.errmsg).toContain('access-token-broker: ');
  });

  it.each([
    [30, -1],
    [900, 45009],
  ])('says of a token that cannot be had for %i s: %i', async (retryAfterSeconds, errcode) => {
    edge.broker.guessAnswer = () => {
      throw new BrokerError('upstream_rejected', 'The platform returns the same one.', { retryAfterSeconds });
    };
    expect(await ask('payroll')).toMatchObject({ errcode });
  });
});

describe('a client of WeCom with virtual tokens', () => {
  it('gets one, calls with it, and is refused in the words of WeCom', async () => {
    const edge = await createEdge({
      apps: ['hr'],
      clients: [
        apiClient('sdk', {
          scopes: ['gateway', 'token:read'],
          virtualTokens: true,
          gateway: { allow: ['GET /cgi-bin/echo'], maxBodyBytes: 0 },
        }),
      ],
      statuses: { hr: { provider: 'wecom', appId: CORP_ID, grant: 'agent-1000002' } },
      gateway: { apps: [await startEchoingApi('hr')] },
    });
    edge.broker.tokens.set('hr', heldToken(1, 7_200_000));
    await edge.app.listen(0, '127.0.0.1');
    const origin = await edge.app.getUrl();
    const get = async (path: string) =>
      (await (await fetch(origin + path)).json()) as { access_token: string; expires_in: number };
    const { access_token, expires_in } = await get(
      `/cgi-bin/gettoken?corpid=${CORP_ID}&corpsecret=${keyOf('sdk')}`,
    );
    expect([access_token.slice(0, 4), expires_in]).toEqual(['tbv_', 7200]);
    expect(await get(`/cgi-bin/echo?access_token=${access_token}`)).toMatchObject({ errcode: 0 });
    expect(await get(`/cgi-bin/user/get?access_token=${access_token}`)).toEqual({
      errcode: 48002,
      errmsg: expect.stringMatching(/^api forbidden, access-token-broker: path_not_allowed: /) as string,
    });
    await edge.app.close();
  });
});
