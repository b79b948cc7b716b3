import { DEFAULT_AGENT, type SimulatedAgent, type WecomOptions } from './settings.js';
import { WecomSimulator } from './wecom-simulator.js';

type Body = Readonly<Record<string, unknown>>;

let simulator: WecomSimulator;
let nowMs: number;
const start = async (options: WecomOptions = {}) => {
  nowMs = Date.parse('2026-11-21T03:00:00Z');
  simulator = new WecomSimulator({ now: () => nowMs, ...options });
  await simulator.start();
};
afterEach(() => simulator.stop());

const get = async (path: string, query: Record<string, string> = {}): Promise<Body> => {
  const response = await fetch(`${simulator.url}/cgi-bin/${path}?${new URLSearchParams(query).toString()}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Body;
};
const fetchToken = (agent: Partial<SimulatedAgent> = {}) => {
  const { corpId: corpid, corpSecret: corpsecret } = { ...DEFAULT_AGENT, ...agent };
  return get('gettoken', { corpid, corpsecret });
};
const token = async (agent: Partial<SimulatedAgent> = {}) => String((await fetchToken(agent)).access_token);
const probe = (access_token: string) => get('get_api_domain_ip', { access_token });
const errcodeWith = async (access_token: string) => (await probe(access_token)).errcode;
const control = async (body: unknown) => {
  const response = await fetch(`${simulator.url}/__sim/faults`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Body };
};
const passSeconds = (seconds: number) => (nowMs += seconds * 1000);

describe('gettoken', () => {
  it('answers as the platform does, with the same token until it has expired', async () => {
    await start();
    const first = await fetchToken();
    expect(first).toEqual({ errcode: 0, errmsg: 'ok', access_token: expect.any(String), expires_in: 7200 });
    passSeconds(7199);
    expect(await fetchToken()).toEqual({ ...first, expires_in: 1 });
    passSeconds(0.999);
    expect(await fetchToken()).toEqual({ ...first, expires_in: 0 });
    expect(await errcodeWith(String(first.access_token))).toBe(0);
    passSeconds(0.001);
    expect(await errcodeWith(String(first.access_token))).toBe(42001);
    const next = await fetchToken();
    expect(next).toMatchObject({ errcode: 0, expires_in: 7200 });
    expect(next.access_token).not.toBe(first.access_token);
  });

  it('can tell the full life for a token that is handed out again', async () => {
    await start({ repeatedLife: 'full' });
    const first = await fetchToken();
    passSeconds(7000);
    expect(await fetchToken()).toEqual(first);
  });

  it('knows each app of a corp by its secret, and one token for each', async () => {
    const other = { ...DEFAULT_AGENT, agentId: '1000003', corpSecret: 'another' };
    await start({ apps: [DEFAULT_AGENT, other] });
    expect(await token()).not.toBe(await token(other));
    expect(simulator.tokens({ appId: `${other.corpId}/1000003` })).toHaveLength(1);
    const { errcode } = await get('agent/get', { access_token: await token(other), agentid: '1000002' });
    expect(errcode).toBe(301002);
  });

  it.each([
    [{ corpId: '' }, 41002],
    [{ corpSecret: '' }, 41004],
    [{ corpId: 'ww0' }, 40013],
    [{ corpSecret: 'wrong' }, 40001],
  ])('refuses %j with %i, a hint and the address', async (agent, errcode) => {
    await start();
    const answer = await fetchToken(agent);
    expect(answer.errcode).toBe(errcode);
    expect(answer.errmsg).toMatch(
      /, hint: \[\d{25}\], from ip: 127\.0\.0\.1, more info at https:\/\/open\.work\.weixin\.qq\.com\/devtool\/query\?e=\d+$/,
    );
  });

  it('has another code for a wrong secret by switch', async () => {
    await start({ wrongSecretErrcode: 40091 });
    expect(await fetchToken({ corpSecret: 'wrong' })).toMatchObject({ errcode: 40091 });
  });

  it('blocks a corp for an hour after 2,000 refused calls in an hour', async () => {
    await start({ failedFetchQuota: 3 });
    for (let call = 0; call < 3; call++) await fetchToken({ corpSecret: 'wrong' });
    expect(await fetchToken()).toMatchObject({ errcode: 45009 });
    passSeconds(3599.999);
    expect(await fetchToken()).toMatchObject({ errcode: 45009 });
    passSeconds(0.001);
    expect(await fetchToken()).toMatchObject({ errcode: 0 });
  });

  it('forgets refused calls after an hour', async () => {
    await start({ failedFetchQuota: 2 });
    await fetchToken({ corpSecret: 'wrong' });
    passSeconds(3600);
    await fetchToken({ corpSecret: 'wrong' });
    expect(await fetchToken()).toMatchObject({ errcode: 0 });
    expect(new WecomSimulator().settings.failedFetchQuota).toBe(2000);
  });
});

describe('the hole after the expiry of a token', () => {
  const expire = async () => {
    const dead = await token();
    passSeconds(7200);
    return dead;
  };

  it('can have gettoken hand out the expired token', async () => {
    await start({ holeSeconds: 2, inHole: 'same_token' });
    const dead = await expire();
    expect(await fetchToken()).toMatchObject({ access_token: dead, expires_in: 0 });
    passSeconds(1.999);
    expect(await token()).toBe(dead);
    passSeconds(0.001);
    expect(await token()).not.toBe(dead);
  });

  it('can have gettoken say that it is busy', async () => {
    await start({ holeSeconds: 2, inHole: 'busy' });
    await expire();
    expect(await fetchToken()).toMatchObject({ errcode: -1 });
    passSeconds(2);
    expect(await fetchToken()).toMatchObject({ errcode: 0, expires_in: 7200 });
  });

  it('can have gettoken answer late', async () => {
    await start({ holeSeconds: 0.2, inHole: 'late' });
    const dead = await expire();
    const begin = performance.now();
    expect(await token()).not.toBe(dead);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(190);
  });
});

describe('a token that died before its time', () => {
  it('is replaced by the next fetch', async () => {
    await start();
    const dead = await token();
    simulator.killToken();
    expect(await errcodeWith(dead)).toBe(42001);
    expect(await token()).not.toBe(dead);
  });

  it('comes back until its expiry by switch, or by the event', async () => {
    await start({ afterEarlyDeath: 'same' });
    const dead = await token();
    expect((await control({ kind: 'early_death' })).body.tokens).toMatchObject([{ death: 'killed' }]);
    passSeconds(7199);
    expect(await token()).toBe(dead);
    expect(await errcodeWith(dead)).toBe(42001);
    passSeconds(1);
    const next = await token();
    expect(await errcodeWith(next)).toBe(0);
    await control({ kind: 'early_death', sameAgain: false });
    expect(await token()).not.toBe(next);
  });
});

describe('a business call', () => {
  it.each([42001, 40014, 40001] as const)('tells an expired token by %i', async (deadTokenErrcode) => {
    await start({ deadTokenErrcode });
    const value = await token();
    passSeconds(7200);
    expect(await errcodeWith(value)).toBe(deadTokenErrcode);
  });

  it('tells garbage by 40014, no token by 41001, and keeps its data beside the errcode', async () => {
    await start();
    expect(await probe('garbage')).toMatchObject({ ip_list: [], errcode: 40014 });
    expect(await probe('')).toMatchObject({ ip_list: [], errcode: 41001 });
  });

  it('can leave errcode out of a success', async () => {
    await start({ successWithoutErrcode: true });
    const answer = await probe(await token());
    expect(Object.keys(answer)).toEqual(['ip_list']);
  });

  it('is refused from an address that is not trusted, while gettoken is not', async () => {
    await start({ trustedIps: ['10.0.0.1'] });
    const value = await token();
    expect(await probe(value)).toMatchObject({
      errcode: 60020,
      errmsg: expect.stringMatching(
        /^not allow to access from your ip, hint: \[\d+\], from ip: 127\.0\.0\.1, /,
      ),
    });
    passSeconds(7200);
    expect(await errcodeWith(value)).toBe(42001);
    simulator.setTrustedIps(null);
    expect(await errcodeWith(await token())).toBe(0);
  });

  it('can check the address before the token, and gettoken can check it too', async () => {
    await start({ trustedIps: ['10.0.0.1'], ipCheck: 'before_token', ipCheckAtGettoken: true });
    expect(await fetchToken()).toMatchObject({ errcode: 60020 });
    const { token: value } = simulator.fetchByOther();
    passSeconds(7200);
    expect(await errcodeWith(value)).toBe(60020);
  });

  it('is limited for each corp and API, and for each address', async () => {
    await start({ corpMinuteQuota: 2, ipMinuteQuota: 4 });
    const value = await token();
    expect([await errcodeWith(value), await errcodeWith(value), await errcodeWith(value)]).toEqual([
      0, 0, 45009,
    ]);
    expect(await get('getcallbackip', { access_token: value })).toMatchObject({ errcode: 0 });
    expect(await get('getcallbackip', { access_token: value })).toMatchObject({ errcode: 45009 });
    passSeconds(60);
    expect(await errcodeWith(value)).toBe(0);
  });
});

describe('tickets', () => {
  const other = { ...DEFAULT_AGENT, agentId: '1000003', corpSecret: 'another' };
  const ofCorp = (access_token: string) => get('get_jsapi_ticket', { access_token });
  const ofApp = (access_token: string) => get('ticket/get', { access_token, type: 'agent_config' });

  it('are one for the corp and one for each app, the same until they have expired', async () => {
    await start({ apps: [DEFAULT_AGENT, other] });
    const [mine, theirs] = [await token(), await token(other)];
    const corp = await ofCorp(mine);
    expect(corp).toEqual({ errcode: 0, errmsg: 'ok', ticket: expect.any(String), expires_in: 7200 });
    expect(await ofCorp(theirs)).toEqual(corp);
    const app = await ofApp(mine);
    expect(await ofApp(theirs)).not.toEqual(app);
    passSeconds(7199);
    expect(await ofApp(mine)).toEqual({ ...app, expires_in: 1 });
    passSeconds(1);
    expect((await ofCorp(await token())).ticket).not.toBe(corp.ticket);
  });

  it('are limited in an hour, 400 for a corp and 100 for an app', async () => {
    await start({ apps: [DEFAULT_AGENT, other], corpTicketQuota: 3, appTicketQuota: 2 });
    const [mine, theirs] = [await token(), await token(other)];
    const answers = [await ofCorp(mine), await ofCorp(mine), await ofCorp(mine)];
    expect(answers.map(({ errcode }) => errcode)).toEqual([0, 0, 45009]);
    expect([await ofCorp(theirs), await ofCorp(theirs)]).toMatchObject([{ errcode: 0 }, { errcode: 45009 }]);
    expect(await ofApp(mine)).toMatchObject({ errcode: 0 });
    expect(new WecomSimulator().settings).toMatchObject({ corpTicketQuota: 400, appTicketQuota: 100 });
  });

  it('need a type', async () => {
    await start();
    expect(await get('ticket/get', { access_token: await token(), type: 'jsapi' })).toMatchObject({
      errcode: 40035,
    });
  });
});

describe('the control API', () => {
  it('reset_secret ends the old secret; its token lives on unless it is killed too', async () => {
    await start();
    const old = await token();
    await control({ kind: 'reset_secret', corpSecret: 'second' });
    expect(await fetchToken()).toMatchObject({ errcode: 40001 });
    expect(await errcodeWith(old)).toBe(0);
    const second = await token({ corpSecret: 'second' });
    expect(second).not.toBe(old);
    await control({ kind: 'reset_secret', corpSecret: 'third', killToken: true });
    expect(await errcodeWith(second)).toBe(42001);
  });

  it('set_disabled refuses fetches, other_fetch gets the very same token', async () => {
    await start();
    const value = await token();
    expect((await control({ kind: 'other_fetch' })).body.tokens).toMatchObject([{ token: value }]);
    await control({ kind: 'set_disabled', disabled: true });
    expect(await fetchToken()).toMatchObject({ errcode: 40001 });
    await control({ kind: 'set_disabled', disabled: false });
    expect(await token()).toBe(value);
  });

  it('has the faults of every simulator, for one app too', async () => {
    await start();
    await control({ errcode: 45033, appId: `${DEFAULT_AGENT.corpId}/${DEFAULT_AGENT.agentId}` });
    expect(await fetchToken()).toMatchObject({ errcode: 45033 });
    expect(simulator.calls()).toMatchObject({ fetches: 0, minted: 0 });
    await fetchToken();
    expect(simulator.calls()).toMatchObject({ fetches: 1, minted: 1 });
  });

  it.each([
    [{ kind: 'early_death' }, 'token: none that lives'],
    [{ kind: 'early_death', appId: 'ww0/1' }, 'appId: no app ww0/1'],
    [{ kind: 'reset_secret' }, 'corpSecret: is missing'],
    [{ kind: 'set_state' }, /^kind: must be one of early_death, other_fetch, /],
    [{ errcode: 'invalid_client' }, /^errcode: must be a whole number/],
  ])('refuses %j', async (body, error) => {
    await start();
    const answer = await control(body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toEqual(typeof error === 'string' ? error : expect.stringMatching(error));
  });
});

it.each<[WecomOptions, string]>([
  [{ expiresInSeconds: 0 }, 'expiresInSeconds: must be a number, at least 1'],
  [{ inHole: 'never' as 'late' }, 'inHole: must be late or same_token or busy'],
  [{ apps: [] }, 'apps: must name at least one app'],
])('refuses the options %j', (options, message) => {
  expect(() => new WecomSimulator(options)).toThrow(message);
});
