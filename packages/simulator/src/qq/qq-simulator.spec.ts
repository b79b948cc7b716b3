import { QqSimulator } from './qq-simulator.js';
import { DEFAULT_QQ_APP, type QqOptions } from './settings.js';

const OTHER_APP = { appId: '101000002', appKey: 'b'.repeat(32), unionidAllowed: false };
const CALLBACK = 'https://shop.example.com/qq/back';

let simulator: QqSimulator;
let nowMs: number;
const start = async (options: QqOptions = {}) => {
  nowMs = Date.parse('2026-11-21T03:00:00Z');
  simulator = new QqSimulator({ apps: [DEFAULT_QQ_APP, OTHER_APP], now: () => nowMs, ...options });
  await simulator.start();
};
afterEach(() => simulator.stop());

type Parameters = Readonly<Record<string, string>>;

/** A parameter that is '' is left out. */
async function call(path: string, parameters: Parameters) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ''));
  const response = await fetch(`${simulator.url}${path}?${query.toString()}`, { redirect: 'manual' });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    location: response.headers.get('location'),
    text,
  };
}

const open = (parameters: Parameters = {}) =>
  call('/oauth2.0/authorize', {
    response_type: 'code',
    client_id: DEFAULT_QQ_APP.appId,
    redirect_uri: CALLBACK,
    state: 'S1',
    ...parameters,
  });

const credentials = { client_id: DEFAULT_QQ_APP.appId, client_secret: DEFAULT_QQ_APP.appKey };
const exchange = (code: string, parameters: Parameters = {}) =>
  call('/oauth2.0/token', {
    ...{ grant_type: 'authorization_code', ...credentials, code, redirect_uri: CALLBACK },
    ...parameters,
  });
const refresh = (refresh_token: string, parameters: Parameters = {}) =>
  call('/oauth2.0/token', { grant_type: 'refresh_token', ...credentials, refresh_token, ...parameters });

/** The number in an answer, of whatever form; undefined for a success. */
const errorIn = ({ text }: { readonly text: string }) => {
  const [, number] = /"(?:error|ret)":(-?\d+)/.exec(text) ?? [];
  return number === undefined || number === '0' ? undefined : Number(number);
};

const newCode = (spec: Parameters = {}) => simulator.createCode({ redirectUri: CALLBACK, ...spec }).code;

async function granted(spec: Parameters = {}) {
  const form = new URLSearchParams((await exchange(newCode(spec))).text);
  return { access: form.get('access_token') ?? '', refresh: form.get('refresh_token') ?? '' };
}

describe('the authorize page', () => {
  it('asks the user, and sends who consents back with code and state', async () => {
    await start();
    expect((await open()).text).toContain('Allow');
    const { status, location } = await open({ __sim_user: 'bob', scope: 'get_user_info,do_like' });
    expect(status).toBe(302);
    expect(location).toMatch(/^https:\/\/shop\.example\.com\/qq\/back\?code=[0-9A-F]{32}&state=S1$/);
    const code = new URL(location ?? '').searchParams.get('code') ?? '';
    expect(errorIn(await exchange(code))).toBeUndefined();
  });

  it('sends who refuses back with usercancel, or closes', async () => {
    await start();
    expect((await open({ __sim_answer: 'refuse' })).location).toBe(`${CALLBACK}?usercancel=1&state=S1`);
    await simulator.stop();
    await start({ refusal: 'close' });
    expect(await open({ __sim_answer: 'refuse' })).toMatchObject({ status: 200, location: null });
  });

  it.each([
    [{ response_type: '' }, '100000'],
    [{ client_id: '' }, '100001'],
    [{ client_id: '1' }, '100008'],
    [{ redirect_uri: '' }, '100010'],
    [{ redirect_uri: 'ftp://shop.example.com/' }, '100010'],
    [{ state: '' }, 'state is missing'],
  ])('is an error for %j', async (parameters, text) => {
    await start();
    const answer = await open({ ...parameters, __sim_user: 'bob' });
    expect(answer.location).toBeNull();
    expect(answer.text).toContain(text);
  });

  it.each([
    ['exact', CALLBACK, true],
    ['exact', `${CALLBACK}?a=1`, false],
    ['exact', 'https://shop.example.com/', false],
    ['host', 'https://shop.example.com/', true],
    ['host', 'https://shop.example.com.evil.example/', false],
  ] as const)('compares callbacks %s: %s, %s', async (redirectMatch, redirect_uri, isWelcome) => {
    await start({ redirectMatch, apps: [{ ...DEFAULT_QQ_APP, redirectUris: [CALLBACK] }] });
    expect((await open({ redirect_uri })).text.includes('Allow')).toBe(isWelcome);
  });

  it.each([
    ['error', 'error=100031&error_description='],
    ['code', 'code=100031&msg='],
  ] as const)('names an unknown API at the callback by %s', async (errorsBack, query) => {
    await start({ errorsBack });
    const { location } = await open({ scope: 'get_everything' });
    expect(location).toContain(`${CALLBACK}?${query}`);
    expect(location).toMatch(/&state=S1$/);
  });

  it('knows the API of an app that is not online no more', async () => {
    await start();
    simulator.cause({ kind: 'set_offline', offline: true });
    expect((await open()).text).toContain('100011');
    expect(errorIn(await exchange(newCode()))).toBe(100011);
  });
});

describe('/oauth2.0/token', () => {
  it('answers with a form, and with JSON whose expires_in is a text', async () => {
    await start();
    const { type, text } = await exchange(newCode());
    expect(type).toBe('text/html; charset=utf-8');
    expect(text).toMatch(/^access_token=[0-9A-F]{32}&expires_in=7776000&refresh_token=[0-9A-F]{32}$/);
    const json = await exchange(newCode(), { fmt: 'json', need_openid: '1' });
    const { openid } = simulator.putUser();
    expect(JSON.parse(json.text)).toMatchObject({ expires_in: '7776000', openid });
  });

  it('may send expires_in as a number', async () => {
    await start({ jsonLife: 'number' });
    expect((await exchange(newCode(), { fmt: 'json' })).text).toContain('"expires_in":7776000,');
  });

  it('tells errors in JSONP, and in bare JSON where that was asked for', async () => {
    await start();
    const error = '{"error":100019,"error_description":"code to access token error"}';
    expect((await exchange('x')).text).toBe(`callback( ${error} );\n`);
    expect((await exchange('y', { fmt: 'json' })).text).toBe(error);
  });

  it('takes a posted form as well', async () => {
    await start();
    const form = { grant_type: 'authorization_code', ...credentials, redirect_uri: CALLBACK };
    const body = new URLSearchParams({ ...form, code: newCode() });
    const response = await fetch(`${simulator.url}/oauth2.0/token`, { method: 'POST', body });
    expect(await response.text()).toMatch(/^access_token=/);
  });

  it.each([
    [{ grant_type: 'password' }, 100004],
    [{ client_id: '' }, 100001],
    [{ client_secret: '' }, 100002],
    [{ code: '' }, 100005],
    [{ client_id: '1' }, 100008],
    [{ client_secret: 'x' }, 100009],
    [{ redirect_uri: '' }, 100010],
    [{ redirect_uri: `${CALLBACK}/` }, 100010],
    [{ client_id: OTHER_APP.appId, client_secret: OTHER_APP.appKey }, 100019],
  ])('refuses %j with %d', async (parameters, error) => {
    await start();
    expect(errorIn(await exchange(newCode(), parameters))).toBe(error);
  });

  it('takes a code once, also one that it refused', async () => {
    await start();
    const twice = async (code: string, parameters: Parameters = {}) => [
      errorIn(await exchange(code, parameters)),
      errorIn(await exchange(code)),
    ];
    expect(await twice(newCode())).toEqual([undefined, 100020]);
    expect(await twice('never-made')).toEqual([100019, 100020]);
    expect(await twice(newCode(), { redirect_uri: 'https://evil.example/' })).toEqual([100010, 100020]);
    expect(await twice(newCode(), { client_secret: 'x' })).toEqual([100009, 100020]);
    expect(simulator.codes().map(({ sent }) => sent)).toEqual([2, 2, 2, 2]);
  });

  it('takes a code for 10 minutes', async () => {
    await start();
    const codes = [newCode(), newCode()];
    nowMs += 599_999;
    expect(errorIn(await exchange(codes[0] ?? ''))).toBeUndefined();
    nowMs += 1;
    expect(errorIn(await exchange(codes[1] ?? ''))).toBe(100019);
  });

  it('takes a refresh_token once, and gives the next', async () => {
    await start();
    const first = await granted();
    const form = new URLSearchParams((await refresh(first.refresh)).text);
    expect(form.get('access_token')).not.toBe(first.access);
    expect(form.get('refresh_token')).not.toBe(first.refresh);
    expect(errorIn(await refresh(first.refresh))).toBe(100021);
    expect(errorIn(await refresh(form.get('refresh_token') ?? ''))).toBeUndefined();
    expect(errorIn(await refresh(''))).toBe(100006);
  });

  it('fails on demand as it does by itself, and counts', async () => {
    await start();
    const code = newCode();
    simulator.addFault({ path: '/oauth2.0/token', errcode: 100019, mint: true });
    expect((await exchange(code)).text).toMatch(/^callback\( \{"error":100019,/);
    expect(errorIn(await exchange(code))).toBe(100020);
    simulator.addFault({ dropReply: true });
    await expect(exchange(newCode())).rejects.toThrow();
    expect(simulator.calls(DEFAULT_QQ_APP.appId).counts).toMatchObject([
      { path: '/oauth2.0/token', requests: 3, outcomes: { errcode: 1, '100020': 1, dropReply: 1 } },
    ]);
  });
});

describe('/oauth2.0/me', () => {
  it('tells app and openid in JSONP, the unionid where it may', async () => {
    await start();
    const { access } = await granted();
    const { openid, unionid } = simulator.putUser();
    const client = `"client_id":"${DEFAULT_QQ_APP.appId}","openid":"${openid}"`;
    const { type, text } = await call('/oauth2.0/me', { access_token: access });
    expect(type).toBe('text/html; charset=utf-8');
    expect(text).toBe(`callback( {${client}} );\n`);
    expect(openid).toMatch(/^[0-9A-F]{32}$/);
    const json = await call('/oauth2.0/me', { access_token: access, unionid: '1', fmt: 'json' });
    expect(json.text).toBe(`{${client},"unionid":"${String(unionid)}"}`);
  });

  it('refuses the unionid to an app that was not granted it', async () => {
    await start({ apps: [{ ...DEFAULT_QQ_APP, unionidAllowed: false }] });
    const { access } = await granted();
    expect(errorIn(await call('/oauth2.0/me', { access_token: access, unionid: '1' }))).toBe(100048);
  });

  it('knows why a token is no good', async () => {
    await start();
    const ask = async (access_token: string) => errorIn(await call('/oauth2.0/me', { access_token }));
    expect(await ask('')).toBe(100007);
    expect(await ask('x')).toBe(100016);
    const { access } = await granted();
    simulator.killTokens();
    expect(await ask(access)).toBe(100015);
    const cancelled = await granted();
    expect(simulator.cancelGrants()).toBe(2);
    expect(await ask(cancelled.access)).toBe(100013);
    expect(errorIn(await refresh(cancelled.refresh))).toBe(100021);
    const old = await granted();
    nowMs += 7_776_000_000;
    expect(await ask(old.access)).toBe(100014);
  });

  it('tells one person at two apps by two openids and one unionid', async () => {
    await start();
    const [here, there] = [simulator.putUser(), simulator.putUser({ appId: OTHER_APP.appId })];
    expect(here.openid).not.toBe(there.openid);
    expect(here.unionid).toBe(there.unionid);
  });
});

describe('/user/get_user_info', () => {
  const profile = (access_token: string, parameters: Parameters = {}) =>
    call('/user/get_user_info', {
      access_token,
      oauth_consumer_key: DEFAULT_QQ_APP.appId,
      openid: simulator.putUser().openid,
      ...parameters,
    });

  it('tells name and pictures', async () => {
    await start();
    const { access } = await granted({ nickname: '小明😀' });
    const body: unknown = JSON.parse((await profile(access)).text);
    expect(body).toMatchObject({ ret: 0, msg: '', nickname: '小明😀', gender: '男' });
    expect(body).toHaveProperty('figureurl_qq_1');
    expect(body).not.toHaveProperty('figureurl_qq_2');
  });

  it('refuses in a form of its own', async () => {
    await start();
    const { access } = await granted();
    expect((await profile(access, { openid: 'x' })).text).toBe(
      `{"ret":-1,"msg":"client request's parameters are invalid, invalid openid"}`,
    );
    expect(errorIn(await profile('x'))).toBe(100016);
    expect(errorIn(await profile(access, { oauth_consumer_key: '1' }))).toBe(100008);
    const { access: narrow } = await granted({ scope: 'do_like' });
    expect((await profile(narrow)).text).toBe('{"ret":100030,"msg":"this api without user authorization"}');
  });
});

describe('the control API', () => {
  it('makes codes and users, and takes grants back', async () => {
    await start();
    const post = async (path: string, body: unknown) => {
      const init = { method: 'POST', body: JSON.stringify(body) };
      return (await fetch(`${simulator.url}/__sim/${path}`, init)).json();
    };
    const { openid } = (await post('users', { user: 'bob' })) as { openid: string };
    const spec = { user: 'bob', redirectUri: CALLBACK };
    const made = (await post('codes', spec)) as { code: string };
    expect(made).toMatchObject({ openid, redirect_uri: CALLBACK });
    await exchange(made.code);
    expect(await post('revocations', { user: 'bob' })).toEqual({ revoked: 1 });
    expect(await post('codes', { appId: '1' })).toEqual({ error: 'appId: no app 1' });
    expect(await post('faults', { kind: 'reset_secret', appKey: 'new' })).toEqual({ tokens: [] });
    expect(errorIn(await exchange(newCode()))).toBe(100009);
    expect(await (await fetch(`${simulator.url}/__sim/codes`)).json()).toMatchObject({
      codes: [{ code: made.code, sent: 1 }, { sent: 1 }],
    });
  });

  it.each([
    [{ refusal: 'x' as 'close' }, 'refusal: must be redirect or close'],
    [{ apps: [] }, 'apps: must name at least one app'],
    [{ expiresInSeconds: 0 }, 'expiresInSeconds: must be a number, at least 1'],
  ])('%j is no setting', (options, message) => {
    return expect(start(options)).rejects.toThrow(message);
  });
});
