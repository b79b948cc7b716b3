import { SimulatorDriver } from '../../../../../test/support/simulator-driver.js';
import { DEFAULT_APP, type SimulatedApp, type SimulatorOptions } from '../settings.js';

const MINI: SimulatedApp = { appId: 'wx00000000000000bb', appSecret: 'b'.repeat(32), type: 'mini_program' };
const WEBSITE: SimulatedApp = { appId: 'wx00000000000000cc', appSecret: 'c'.repeat(32), type: 'website' };

let driver: SimulatorDriver;
const start = async (options: SimulatorOptions = {}) => {
  driver = await SimulatorDriver.start({ apps: [DEFAULT_APP, MINI, WEBSITE], ...options });
  return driver.simulator.login;
};
afterEach(() => driver.simulator.stop());

/** A parameter that is '' is left out. */
function call(path: string, parameters: Readonly<Record<string, string>>) {
  const given = Object.entries(parameters).filter(([, value]) => value !== '');
  return driver.call('GET', `${path}?${new URLSearchParams(given).toString()}`);
}

function exchange(code: string, parameters: Readonly<Record<string, string>> = {}) {
  const { appId: appid, appSecret: secret } = DEFAULT_APP;
  const all = { appid, secret, code, grant_type: 'authorization_code', ...parameters };
  return call('/sns/oauth2/access_token', all);
}

function session(js_code: string, parameters: Readonly<Record<string, string>> = {}) {
  const { appId: appid, appSecret: secret } = MINI;
  const all = { appid, secret, js_code, grant_type: 'authorization_code', ...parameters };
  return call('/sns/jscode2session', all);
}

async function granted(spec: Parameters<typeof driver.simulator.login.createCode>[0] = {}) {
  const { body } = await exchange(driver.simulator.login.createCode(spec).code);
  return {
    access: String(body.access_token),
    refresh: String(body.refresh_token),
    openid: String(body.openid),
  };
}

describe('GET /sns/oauth2/access_token', () => {
  it('gives the tokens of the user who consented, as plain text', async () => {
    const login = await start();
    const { code, openid } = login.createCode();
    expect(code).toMatch(/^[0-9a-f]{32}$/);
    const { type, text } = await exchange(code);
    expect(type).toBe('text/plain');
    expect(text).toMatch(
      /^\{"access_token":"[\w-]{88}","expires_in":7200,"refresh_token":"[\w-]{110}","openid":"o[\w-]{27}","scope":"snsapi_base"\}$/,
    );
    expect(text).toContain(openid);
  });

  it('adds the unionid with the userinfo scope, and says who is a virtual user', async () => {
    const login = await start();
    const { code, openid, unionid } = login.createCode({ scope: 'snsapi_userinfo', snapshot: true });
    expect((await exchange(code)).body).toMatchObject({ openid, unionid, is_snapshotuser: 1 });
    expect(openid).not.toBe(login.createCode().openid);
  });

  it.each([
    ['plain', 'snsapi_userinfo'],
    ['trailing_comma', 'snsapi_userinfo,'],
    ['cumulative', 'snsapi_base,snsapi_userinfo,'],
  ] as const)('writes the scope %s', async (scopeText, scope) => {
    const login = await start({ scopeText });
    const { code } = login.createCode({ scope: 'snsapi_userinfo' });
    expect((await exchange(code)).body.scope).toBe(scope);
  });

  it('takes a code once', async () => {
    const login = await start();
    const { code } = login.createCode();
    await exchange(code);
    const { body } = await exchange(code);
    expect(body.errcode).toBe(40163);
    expect(body.errmsg).toMatch(/^code been used, rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/);
  });

  it('takes a code that it refused for used from then on', async () => {
    const login = await start();
    const errcodes = async (code: string, parameters?: Record<string, string>) => [
      (await exchange(code, parameters)).body.errcode,
      (await exchange(code)).body.errcode,
    ];
    expect(await errcodes('never-made')).toEqual([40029, 40163]);
    expect(await errcodes(login.createCode({ appId: WEBSITE.appId }).code)).toEqual([40029, 40163]);
    expect(await errcodes(login.createCode({ appId: MINI.appId }).code)).toEqual([40029, 40163]);
    expect(await errcodes(login.createCode().code, { secret: 'x' })).toEqual([40125, 40163]);
    expect(await errcodes(login.createCode().code, { appid: 'wx0' })).toEqual([40013, 40163]);
  });

  it('may leave a code alone where the credentials were wrong', async () => {
    const login = await start({ credentialErrorsBurnCodes: false });
    const { code, openid } = login.createCode();
    expect((await exchange(code, { secret: 'x' })).body.errcode).toBe(40125);
    expect((await exchange(code)).body.openid).toBe(openid);
  });

  it.each([
    [7200, 299.999, undefined, undefined],
    [7200, 300, undefined, 40029],
    [7200, 300, 42003, 42003],
    [72, 3, undefined, 40029],
  ] as const)('with tokens of %d s, a code after %d s', async (life, age, expiredCodeErrcode, errcode) => {
    const login = await start({ expiresInSeconds: life, expiredCodeErrcode });
    const { code } = login.createCode();
    driver.passSeconds(age);
    expect((await exchange(code)).body.errcode).toBe(errcode);
  });

  it.each([
    [{ appid: '' }, 41002],
    [{ secret: '' }, 41004],
    [{ code: '' }, 41008],
    [{ grant_type: 'client_credential' }, 40002],
  ])('without %j: %d, and the code lives', async (parameters, errcode) => {
    const login = await start();
    const { code } = login.createCode();
    expect((await exchange(code, parameters)).body.errcode).toBe(errcode);
    expect((await exchange(code)).body.errcode).toBeUndefined();
  });

  it('refuses an address that is not on the list, and a risky user', async () => {
    const login = await start();
    login.putUser({ user: 'mallory', blocked: true });
    expect((await exchange(login.createCode({ user: 'mallory' }).code)).body.errcode).toBe(40226);
    driver.simulator.setIpWhitelist(['10.0.0.1']);
    const { body } = await exchange(login.createCode().code);
    expect(body.errcode).toBe(40164);
    expect(body.errmsg).toMatch(/^invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist, rid: /);
  });

  it('knows a person at several apps by one unionid', async () => {
    const login = await start();
    const [here, there] = [login.createCode(), login.createCode({ appId: WEBSITE.appId })];
    expect(there.unionid).toBe(here.unionid);
    expect(there.openid).not.toBe(here.openid);
    expect(login.createCode({ user: 'bob' }).unionid).not.toBe(here.unionid);
    expect(login.createCode({ openid: 'o1', unionid: null })).toMatchObject({
      openid: 'o1',
      unionid: undefined,
    });
  });
});

describe('GET /sns/oauth2/refresh_token', () => {
  const refresh = (refresh_token: string, parameters: Readonly<Record<string, string>> = {}) =>
    call('/sns/oauth2/refresh_token', {
      appid: DEFAULT_APP.appId,
      grant_type: 'refresh_token',
      refresh_token,
      ...parameters,
    });

  it('lengthens the life of a token, and replaces one that has expired', async () => {
    await start();
    const { access, refresh: token, openid } = await granted();
    driver.passSeconds(7000);
    expect((await refresh(token)).body).toEqual({
      access_token: access,
      expires_in: 7200,
      refresh_token: token,
      openid,
      scope: 'snsapi_base',
    });
    driver.passSeconds(7000);
    expect((await call('/sns/auth', { access_token: access, openid })).text).toBe(
      '{"errcode":0,"errmsg":"ok"}',
    );
    driver.passSeconds(200);
    expect((await call('/sns/auth', { access_token: access, openid })).body.errcode).toBe(42001);
    const { body } = await refresh(token);
    expect(body.access_token).not.toBe(access);
    expect(body.refresh_token).toBe(token);
    expect((await call('/sns/auth', { access_token: access, openid })).body.errcode).toBe(42001);
  });

  it('may change the refresh_token, and the old one dies', async () => {
    await start({ refreshTokens: 'rotated' });
    const { refresh: first } = await granted();
    const second = String((await refresh(first)).body.refresh_token);
    expect(second).not.toBe(first);
    const { body } = await refresh(first);
    expect(body.errmsg).toMatch(/^invalid refresh_token, rid: /);
    expect(body.errcode).toBe(40030);
    expect((await refresh(second)).body.errcode).toBeUndefined();
  });

  it('ends 30 days after the login, however often it was used', async () => {
    await start();
    const { refresh: token } = await granted();
    driver.passSeconds(30 * 86_400 - 1);
    expect((await refresh(token)).body.errcode).toBeUndefined();
    driver.passSeconds(1);
    expect((await refresh(token)).body.errcode).toBe(42002);
  });

  it('refuses what is missing, wrong, of another app, or of a user with a new password', async () => {
    const login = await start();
    const { refresh: token, access, openid } = await granted();
    expect((await refresh('')).body.errcode).toBe(41003);
    expect((await refresh(token, { appid: '' })).body.errcode).toBe(41002);
    expect((await refresh(token, { grant_type: 'x' })).body.errcode).toBe(40002);
    expect((await refresh(token, { appid: 'wx0' })).body.errcode).toBe(40013);
    expect((await refresh('x')).body.errcode).toBe(40030);
    expect((await refresh(token, { appid: WEBSITE.appId })).body.errcode).toBe(40030);
    expect(login.revokeUserTokens()).toBe(1);
    expect((await refresh(token)).body.errcode).toBe(42007);
    expect((await call('/sns/auth', { access_token: access, openid })).body.errcode).toBe(42007);
  });
});

describe('GET /sns/userinfo', () => {
  const profile = (access_token: string, openid: string) =>
    call('/sns/userinfo', { access_token, openid, lang: 'zh_CN' });

  it('tells name and picture, and of the rest nothing', async () => {
    await start();
    const { access, openid } = await granted({ scope: 'snsapi_userinfo', nickname: '小明😀\ue13c' });
    const { type, body } = await profile(access, openid);
    expect(type).toBe('text/plain');
    expect(body).toEqual({
      ...{ openid, nickname: '小明😀\ue13c', sex: 0, language: '', city: '', province: '', country: '' },
      headimgurl: expect.stringMatching(/^https:\/\/thirdwx\.qlogo\.cn\/.+\/132$/) as unknown,
      privilege: [],
      unionid: expect.stringMatching(/^o[\w-]{27}$/) as unknown,
    });
  });

  it('refuses the base scope, a wrong openid, and tokens that are no token of a user', async () => {
    const login = await start({ users: [] });
    const base = await granted();
    const { body } = await profile(base.access, base.openid);
    expect(body.errmsg).toMatch(/^api unauthorized, rid: /);
    expect(body.errcode).toBe(48001);
    const full = await granted({ scope: 'snsapi_userinfo' });
    const other = login.createCode({ user: 'bob' }).openid;
    expect((await profile(full.access, other)).body.errcode).toBe(40003);
    expect((await profile('', full.openid)).body.errcode).toBe(41001);
    expect((await profile(await driver.token(), full.openid)).body.errcode).toBe(40001);
    expect(await driver.errcodeWith(full.access)).toBe(40001);
  });
});

describe('GET /sns/jscode2session', () => {
  it('gives openid, session_key and unionid, as plain text', async () => {
    const login = await start();
    const { code, openid, unionid } = login.createCode({ appId: MINI.appId });
    const { type, text, body } = await session(code, { access_token: 'surplus' });
    expect(type).toBe('text/plain');
    expect(text).toMatch(/^\{"openid":"o[\w-]{27}","session_key":"[\w+/]{22}==","unionid":"o[\w-]{27}"\}$/);
    expect(body).toMatchObject({ openid, unionid });
    expect((await session(code)).body.errcode).toBe(40163);
  });

  it('takes no code of a web page', async () => {
    const login = await start();
    const { code } = login.createCode();
    const { appId: appid, appSecret: secret } = DEFAULT_APP;
    expect((await session(code, { appid, secret })).body.errcode).toBe(40029);
    expect((await session('', { appid: '' })).body.errmsg).toMatch(/^appid missing, rid: /);
    expect((await session('')).body.errcode).toBe(41008);
  });
});

describe('what happened to codes', () => {
  it('is told by GET /__sim/codes: how often each was sent, faults included, and when it was spent', async () => {
    const login = await start();
    const at = driver.nowMs;
    const [used, lost] = [login.createCode(), login.createCode()];
    await exchange(used.code);
    await exchange(used.code);
    driver.simulator.addFault({ path: '/sns/oauth2/access_token', reset: 'before' });
    await expect(exchange(lost.code)).rejects.toThrow();
    await exchange('never-made');
    const minted = { app_id: DEFAULT_APP.appId, issued_at: at, expires_at: at + 300_000 };
    expect((await driver.call('GET', '/__sim/codes')).body.codes).toEqual([
      { ...minted, code: used.code, sent: 2, spent_at: at },
      { ...minted, code: lost.code, sent: 1, spent_at: null },
      { code: 'never-made', app_id: null, issued_at: null, expires_at: null, sent: 1, spent_at: at },
    ]);
    expect(login.codes(WEBSITE.appId)).toEqual([]);
  });

  it('is not undone by an answer that gets lost', async () => {
    const login = await start();
    const { code } = login.createCode();
    driver.simulator.addFault({ path: '/sns/oauth2/access_token', dropReply: true });
    await expect(exchange(code)).rejects.toThrow();
    expect((await exchange(code)).body.errcode).toBe(40163);
  });

  it('ends in errcode -1 with the code spent, where the fault says that the platform acts', async () => {
    const login = await start();
    const { code } = login.createCode();
    driver.simulator.addFault({ path: '/sns/oauth2/access_token', errcode: -1, mint: true });
    expect((await exchange(code)).body.errmsg).toMatch(/^system error, rid: /);
    expect((await exchange(code)).body.errcode).toBe(40163);
  });

  it('is counted for the app, and no code stands in the call log', async () => {
    const login = await start();
    const { code } = login.createCode();
    const { body } = await exchange(code);
    await call('/sns/auth', { access_token: String(body.access_token), openid: String(body.openid) });
    const { text } = await driver.call('GET', '/__sim/calls');
    expect(driver.simulator.calls(DEFAULT_APP.appId).counts).toMatchObject([
      { path: '/sns/oauth2/access_token', requests: 1, outcomes: { ok: 1 } },
      { path: '/sns/auth', requests: 1, outcomes: { ok: 1 } },
    ]);
    expect(text).not.toContain(code);
  });
});

describe('POST /__sim/codes', () => {
  it('makes a code as the page does', async () => {
    await start();
    const { body } = await driver.call('POST', '/__sim/codes', { user: 'bob', scope: 'snsapi_userinfo' });
    expect((await exchange(String(body.code))).body).toMatchObject({
      openid: body.openid,
      unionid: body.unionid,
      scope: 'snsapi_userinfo',
    });
    expect((await driver.call('POST', '/__sim/codes')).status).toBe(200);
  });

  it.each([
    [{ appId: 'wx0' }, /^appId: no app wx0/],
    [{ scope: 'all' }, /^scope: /],
    [{ opneid: 'o' }, /^opneid: unknown field/],
  ])('refuses %j', async (body, message) => {
    await start();
    const answer = await driver.call('POST', '/__sim/codes', body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatch(message);
  });
});
