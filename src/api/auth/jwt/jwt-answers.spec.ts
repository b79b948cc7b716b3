import { apiClient, createEdge, keyOf, type Edge } from '../../../../test/support/create-edge.js';
import { heldToken } from '../../../../test/support/fake-broker.js';
import { JwtIssuerServer } from '../../../../test/support/jwt-issuer.js';

describe('a caller with a JWT', () => {
  let server: JwtIssuerServer;
  let edge: Edge;

  beforeAll(async () => {
    server = await JwtIssuerServer.start();
    const rights = {
      name: 'pods',
      scopes: ['token:read'] as const,
      apps: ['shop'],
      subjects: [{ issuer: server.issuer, sub: 'orders' }],
    };
    edge = await createEdge({
      clients: [apiClient('orders'), rights],
      issuers: [server.sectionWithKeys()],
    });
    edge.broker.tokens.set('shop', heldToken(7, 7_000_000));
    await edge.app.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    await edge.app.close();
    await server.stop();
  });

  async function ask(path: string, jwt: string, init: RequestInit = {}) {
    const url = await edge.app.getUrl();
    const response = await fetch(url + path, { headers: { authorization: `Bearer ${jwt}` }, ...init });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text.startsWith('{') ? JSON.parse(text) : text,
    };
  }

  const sign = (claims: object = {}) => server.sign(edge.clock.wallMs(), { ...claims });

  it('gets the token, the first time and again, and is in the audit by its name', async () => {
    const jwt = await sign();
    const first = await ask('/token?app=shop', jwt);
    const again = await ask('/token', jwt);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(first.body).toMatchObject({ app: 'shop', generation: 7 });
    expect(edge.audit.entries.find(({ action }) => action === 'token.read')).toMatchObject({
      client: 'pods',
    });
  });

  it('may what its client may, on controllers, plain routes and streams', async () => {
    const jwt = await sign();
    expect((await ask('/apps', jwt)).status).toBe(200);
    expect((await ask('/token?app=blog', jwt)).body).toMatchObject({ status: 404, code: 'unknown_app' });
    expect((await ask('/token/refresh', jwt, { method: 'POST' })).body).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
    const stream = await fetch(`${await edge.app.getUrl()}/token/events?app=shop`, {
      headers: { authorization: `Bearer ${jwt}` },
    });
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    await stream.body?.cancel();
  });

  it('is told what is wrong with its JWT as far as that is its business', async () => {
    const answers = [];
    for (const claims of [{ exp: -60 }, { aud: 'other' }, { sub: 'other' }, { iss: 'other' }]) {
      const { status, headers, body } = await ask('/apps', await sign(claims));
      answers.push([status, body.code, headers.get('www-authenticate'), headers.get('content-type')]);
    }
    const type = 'application/problem+json';
    const challenge = (code: string) => `Bearer error="invalid_token", error_description="${code}"`;
    expect(answers).toEqual(
      ['jwt_expired', 'jwt_wrong_audience', 'jwt_unknown_subject', 'jwt_rejected'].map((code) => [
        401,
        code,
        challenge(code),
        type,
      ]),
    );
    expect(edge.observer.denials.slice(-4)).toEqual(Array(4).fill('refused_jwt /apps'));
    expect(edge.audit.entries.at(-1)).toMatchObject({ action: 'access.refused', reason: 'refused_jwt' });
  });

  it('does not get in where a key stands in the query or in a form', async () => {
    const jwt = await sign();
    const wechat = await ask(`/cgi-bin/token?grant_type=client_credential&appid=x&secret=${jwt}`, '');
    expect(wechat.body).toMatchObject({ errcode: expect.any(Number) });
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'shop',
      client_secret: jwt,
    });
    expect((await ask('/oauth2/token', '', { method: 'POST', body: form, headers: {} })).status).toBe(401);
  });

  it('stands beside callers with keys', async () => {
    expect((await ask('/apps', keyOf('orders'))).status).toBe(200);
    expect((await ask('/apps', 'eyJ.no.jwt')).body).toMatchObject({ code: 'jwt_rejected' });
    expect((await ask('/apps', 'no-key')).body).toMatchObject({ code: 'unauthorized' });
    expect((await ask('/health/live', 'eyJ.no.jwt')).status).toBe(200);
  });
});
