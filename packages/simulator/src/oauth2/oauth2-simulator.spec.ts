import { Oauth2Simulator } from './oauth2-simulator.js';
import { DEFAULT_CLIENT, type Oauth2Options } from './settings.js';

type Body = Readonly<Record<string, unknown>>;

let simulator: Oauth2Simulator;
let nowMs: number;
const start = async (options: Oauth2Options = {}) => {
  nowMs = Date.parse('2026-11-21T03:00:00Z');
  simulator = new Oauth2Simulator({ now: () => nowMs, ...options });
  await simulator.start();
};
afterEach(() => simulator.stop());
const passSeconds = (seconds: number) => (nowMs += seconds * 1000);

const { clientId, clientSecret } = DEFAULT_CLIENT;
const POST = { client_id: clientId, client_secret: clientSecret };
const formEncoded = (text: string) => new URLSearchParams({ a: text }).toString().slice(2);
const basic = (id = clientId, secret = clientSecret) => ({
  Authorization: `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`,
});

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

async function ask(
  parameters: Record<string, string> | string,
  headers: object = basic(),
): Promise<Answered> {
  const form =
    typeof parameters === 'string'
      ? parameters
      : new URLSearchParams({ grant_type: 'client_credentials', ...parameters }).toString();
  return answered(
    await fetch(simulator.tokenUrl, {
      method: 'POST',
      body: form,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    }),
  );
}
async function answered(response: Response): Promise<Answered> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as Body) : {},
  };
}
const token = async (parameters: Record<string, string> = {}) =>
  String((await ask(parameters)).body.access_token);
const use = async (value: string, query = '') =>
  answered(
    await fetch(`${simulator.url}/resource${query}`, { headers: { Authorization: `Bearer ${value}` } }),
  );
const statusesOf = (values: string[]) => Promise.all(values.map(async (value) => (await use(value)).status));
const control = async (body: unknown) =>
  answered(await fetch(`${simulator.url}/__sim/faults`, { method: 'POST', body: JSON.stringify(body) }));

describe('the token endpoint', () => {
  it('answers a client that authenticates with Basic, its secret form-urlencoded', async () => {
    await start({ authentication: 'client_secret_basic' });
    const { status, headers, body } = await ask({});
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 3600 });
    const raw = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    expect((await ask({}, { Authorization: `Basic ${raw}` })).status).toBe(401);
  });

  it('answers a client that authenticates in the body, where that is the way', async () => {
    await start({ authentication: 'client_secret_post' });
    expect((await ask(POST, {})).status).toBe(200);
    expect(await ask({})).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it.each<[string, Record<string, string> | string, object, number, string]>([
    ['a wrong secret in Basic', {}, basic(clientId, 'wrong'), 401, 'invalid_client'],
    ['a wrong secret in the body', { ...POST, client_secret: 'wrong' }, {}, 400, 'invalid_client'],
    ['an unknown client', {}, basic('nobody'), 401, 'invalid_client'],
    ['no client', {}, {}, 401, 'invalid_client'],
    ['two ways of authentication', POST, basic(), 400, 'invalid_request'],
    [
      'a repeated parameter',
      'grant_type=client_credentials&scope=a&scope=b',
      basic(),
      400,
      'invalid_request',
    ],
    ['no grant_type', 'scope=a', basic(), 400, 'invalid_request'],
    ['another grant', 'grant_type=password', basic(), 400, 'unsupported_grant_type'],
    ['JSON', '{}', { ...basic(), 'Content-Type': 'application/json' }, 400, 'invalid_request'],
    ['a foreign scope', { scope: 'read drop' }, basic(), 400, 'invalid_scope'],
  ])('refuses %s', async (_what, parameters, headers, status, error) => {
    await start({ clients: [{ ...DEFAULT_CLIENT, scopes: ['read', 'write'] }] });
    const answer = await ask(parameters, headers);
    expect(answer).toMatchObject({ status, body: { error, error_description: expect.any(String) } });
    const challenge = status === 401 && 'Authorization' in headers ? 'Basic realm="simulator"' : null;
    expect(answer.headers.get('www-authenticate')).toBe(challenge);
  });

  it('knows no other method', async () => {
    await start();
    const answer = await answered(await fetch(simulator.tokenUrl));
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('can send errors with HTTP 200', async () => {
    await start({ errorStatus: 200 });
    expect(await ask({}, basic(clientId, 'wrong'))).toMatchObject({
      status: 200,
      body: { error: 'invalid_client' },
    });
    expect((await use('garbage')).status).toBe(401);
  });

  it.each([
    ['number', 3600],
    ['text', '3600'],
    ['missing', undefined],
  ] as const)('sends the life as %s', async (lifeAs, expected) => {
    await start({ lifeAs });
    expect((await ask({})).body.expires_in).toBe(expected);
  });

  it('grants the scope that was asked for, or all of the client', async () => {
    await start({ clients: [{ ...DEFAULT_CLIENT, scopes: ['read', 'write'] }] });
    expect((await ask({ scope: 'read' })).body.scope).toBe('read');
    expect((await ask({})).body.scope).toBe('read write');
    expect((await use(await token({ scope: 'read' }), '?scope=read')).status).toBe(200);
    const refused = await use(await token({ scope: 'read' }), '?scope=write');
    expect([refused.status, refused.body.error]).toEqual([403, 'insufficient_scope']);
  });

  it('can want parameters, and shows with which a token was asked for', async () => {
    await start({ requiredParameters: { audience: 'https://api.example' } });
    expect((await ask({})).body.error).toBe('invalid_request');
    await token({ audience: 'https://api.example', tenant: 't1' });
    expect(simulator.tokens()).toMatchObject([
      { details: { audience: 'https://api.example', tenant: 't1' } },
    ]);
  });

  it('says 429 with Retry-After beyond its limit', async () => {
    await start({ minuteQuota: 1 });
    await token();
    passSeconds(10.5);
    const answer = await ask({});
    expect([answer.status, answer.headers.get('retry-after'), answer.text]).toEqual([
      429,
      '60',
      'Too Many Requests\n',
    ]);
    passSeconds(30.5);
    expect((await ask({})).headers.get('retry-after')).toBe('30');
    passSeconds(29.5);
    expect((await ask({})).status).toBe(200);
  });

  it('can carry a refresh token, which has no place there', async () => {
    await start({ withRefreshToken: true });
    expect((await ask({})).body.refresh_token).toEqual(expect.any(String));
  });
});

describe('what a fetch does to the token before', () => {
  it('independent: all live out their time', async () => {
    await start();
    const [first, second] = [await token(), await token()];
    expect(second).not.toBe(first);
    passSeconds(3599.999);
    expect(await statusesOf([first, second])).toEqual([200, 200]);
    passSeconds(0.001);
    const late = await use(first);
    expect(late.status).toBe(401);
    expect(late.headers.get('www-authenticate')).toBe(
      'Bearer realm="simulator", error="invalid_token", error_description="The access token is expired"',
    );
  });

  it('replaces: the one before has the overlap left, the one before that nothing', async () => {
    await start({ issuance: 'replaces', overlapSeconds: 20 });
    const [first, second] = [await token(), await token()];
    expect(await statusesOf([first, second])).toEqual([200, 200]);
    const third = await token();
    expect(await statusesOf([first, second, third])).toEqual([401, 200, 200]);
    passSeconds(20);
    expect(await statusesOf([second, third])).toEqual([401, 200]);
  });

  it('repeats: the same with the rest of its life, then a new one while the old lives on', async () => {
    await start({ issuance: 'repeats', freshWithinSeconds: 60 });
    const first = await token();
    passSeconds(3539);
    expect((await ask({})).body).toMatchObject({ access_token: first, expires_in: 61 });
    passSeconds(1);
    const second = await token();
    expect(second).not.toBe(first);
    expect(await statusesOf([first, second])).toEqual([200, 200]);
  });

  it('repeats to the very end, and gives a dead one again where it is told to', async () => {
    await start({ issuance: 'repeats', afterEarlyDeath: 'same' });
    const first = await token();
    simulator.killTokens();
    passSeconds(3599);
    expect(await token()).toBe(first);
    expect(await statusesOf([first])).toEqual([401]);
    passSeconds(1);
    expect(await token()).not.toBe(first);
  });

  it('renews: the same, and its life begins again', async () => {
    await start({ issuance: 'renews' });
    const first = await token();
    passSeconds(3000);
    expect((await ask({})).body).toMatchObject({ access_token: first, expires_in: 3600 });
    passSeconds(3000);
    expect(await statusesOf([first])).toEqual([200]);
    passSeconds(600);
    expect(await token()).not.toBe(first);
  });

  it('is nothing to tokens of another scope', async () => {
    await start({ issuance: 'replaces', overlapSeconds: 0 });
    const read = await token({ scope: 'read' });
    await token({ scope: 'write' });
    expect(await statusesOf([read])).toEqual([200]);
    await token({ scope: 'read' });
    expect(await statusesOf([read])).toEqual([401]);
  });
});

describe('the resource', () => {
  it('tells garbage by invalid_token, and no token by a bare challenge', async () => {
    await start();
    expect(await use('garbage')).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    const bare = await answered(await fetch(`${simulator.url}/resource`));
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="simulator"']);
  });
});

describe('the control API', () => {
  it('early_death kills the newest tokens, or the one that is named', async () => {
    await start();
    const [first, second] = [await token(), await token()];
    await control({ kind: 'early_death' });
    expect(await statusesOf([first, second])).toEqual([200, 401]);
    await control({ kind: 'early_death', token: first });
    expect(await statusesOf([first])).toEqual([401]);
    expect((await control({ kind: 'early_death' })).body.error).toBe('token: none that lives');
  });

  it('reset_secret and set_unauthorized refuse fetches; tokens live on unless they are killed too', async () => {
    await start();
    const old = await token();
    await control({ kind: 'reset_secret', clientSecret: 'second' });
    expect(await ask({})).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(await statusesOf([old])).toEqual([200]);
    await control({ kind: 'reset_secret', clientSecret, killTokens: true });
    expect(await statusesOf([old])).toEqual([401]);
    await control({ kind: 'set_unauthorized', unauthorized: true });
    expect(await ask({})).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
  });

  it('other_fetch asks as the newest token was asked for', async () => {
    await start({ issuance: 'replaces', overlapSeconds: 0 });
    const mine = await token({ scope: 'read', audience: 'x' });
    await control({ kind: 'other_fetch' });
    expect(await statusesOf([mine])).toEqual([401]);
    expect(simulator.calls()).toMatchObject({ fetches: 1, minted: 1, minted_by_others: 1 });
  });

  it('has the faults of every simulator, with words, statuses and headers', async () => {
    await start();
    await control({
      errcode: 'temporarily_unavailable',
      errmsg: 'Later',
      httpStatus: 503,
      headers: { 'Retry-After': '7' },
      appId: clientId,
    });
    const answer = await ask({});
    expect(answer).toMatchObject({
      status: 503,
      body: { error: 'temporarily_unavailable', error_description: 'Later' },
    });
    expect(answer.headers.get('retry-after')).toBe('7');
    await control({ status: 502 });
    expect((await ask({})).text).toContain('502 Bad Gateway');
    expect(simulator.calls()).toMatchObject({ fetches: 0 });
  });

  it.each([
    [{ errcode: 40001 }, 'errcode: must be a string that is not empty'],
    [{ kind: 'early_death', appId: 'x' }, 'appId: no client x'],
    [{ kind: 'reset_secret' }, 'clientSecret: is missing'],
    [{ hang: true, headers: { 'Retry-After': '1' } }, /^headers: /],
    [{ errcode: 'x', headers: { 'Retry-After': 1 } }, /^headers: /],
  ])('refuses %j', async (body, error) => {
    await start();
    const answer = await control(body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toEqual(typeof error === 'string' ? error : expect.stringMatching(error));
  });
});

it.each<[Oauth2Options, string]>([
  [{ expiresInSeconds: 0 }, 'expiresInSeconds: must be a number, at least 1'],
  [{ issuance: 'x' as 'repeats' }, 'issuance: must be independent or replaces or repeats or renews'],
  [{ clients: [] }, 'clients: must name at least one client'],
])('refuses the options %j', (options, message) => {
  expect(() => new Oauth2Simulator(options)).toThrow(message);
});
