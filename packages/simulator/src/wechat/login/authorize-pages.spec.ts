import { WechatSimulator } from '../wechat-simulator.js';
import { DEFAULT_APP, type SimulatedApp, type SimulatorOptions } from '../settings.js';

const WEBSITE: SimulatedApp = { appId: 'wx00000000000000cc', appSecret: 'c'.repeat(32), type: 'website' };
const MINI: SimulatedApp = { appId: 'wx00000000000000bb', appSecret: 'b'.repeat(32), type: 'mini_program' };
const CALLBACK = 'http://shop.example.com:8080/back?from=wechat';
const WEB = [
  ['appid', DEFAULT_APP.appId],
  ['redirect_uri', CALLBACK],
  ['response_type', 'code'],
  ['scope', 'snsapi_userinfo'],
  ['state', 'S1'],
] as const;
const QR = [
  ['response_type', 'code'],
  ['appid', WEBSITE.appId],
  ['scope', 'snsapi_login'],
  ['redirect_uri', CALLBACK],
  ['state', 'S1'],
] as const;

let simulator: WechatSimulator;
const start = async (options: SimulatorOptions = {}) => {
  simulator = new WechatSimulator({ apps: [DEFAULT_APP, WEBSITE, MINI], ...options });
  await simulator.start();
};
afterEach(() => simulator.stop());

type Parameters = readonly (readonly [string, string])[];

async function open(path: string, parameters: Parameters, headers: Readonly<Record<string, string>> = {}) {
  const query = new URLSearchParams(
    parameters.map(([name, value]): [string, string] => [name, value]),
  ).toString();
  const response = await fetch(`${simulator.url}${path}?${query}`, { headers, redirect: 'manual' });
  return {
    status: response.status,
    location: response.headers.get('location'),
    headers: response.headers,
    html: await response.text(),
  };
}
const web = (parameters: Parameters = WEB, headers?: Record<string, string>) =>
  open('/connect/oauth2/authorize', parameters, headers);
const qr = (parameters: Parameters = QR) => open('/connect/qrconnect', parameters);

/** The parameters with others in the place of some; '' leaves one out. */
const altered = (parameters: Parameters, changes: Readonly<Record<string, string>>): Parameters =>
  parameters
    .map(([name, value]) => [name, changes[name] ?? value] as const)
    .filter(([name]) => changes[name] !== '');

async function exchanged(location: string | null) {
  const { appId, appSecret } = DEFAULT_APP;
  const code = new URL(location ?? '').searchParams.get('code') ?? '';
  const query = `appid=${appId}&secret=${appSecret}&code=${code}&grant_type=authorization_code`;
  const response = await fetch(`${simulator.url}/sns/oauth2/access_token?${query}`);
  return (await response.json()) as Record<string, unknown>;
}

describe('the authorize page', () => {
  it('asks the user, and loads nothing from elsewhere', async () => {
    await start();
    const { status, html, headers } = await web();
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(html).toContain(DEFAULT_APP.appId);
    expect(html).toContain('同意 / Allow');
    expect(html).toContain('拒绝 / Refuse');
    expect(html).not.toMatch(/\b(src|href)=/);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(simulator.login.codes()).toEqual([]);
  });

  it('shows what came to it as text, never as markup', async () => {
    await start({ parameterOrder: 'any' });
    const { html } = await web([...WEB, ['x"><script>alert(1)</script>', '"><b>']]);
    expect(html).not.toContain('<script');
    expect(html).not.toContain('<b>');
  });

  it('sends a user who consents back with code and state', async () => {
    await start();
    const { status, location } = await web([...WEB, ['__sim_user', 'bob'], ['__sim_answer', 'consent']]);
    expect(status).toBe(302);
    expect(location).toMatch(/^http:\/\/shop\.example\.com:8080\/back\?from=wechat&code=\w{32}&state=S1$/);
    const { openid } = simulator.login.putUser({ user: 'bob' });
    expect(await exchanged(location)).toMatchObject({ openid, scope: 'snsapi_userinfo' });
  });

  it('takes a user in the query or in a header for a consent', async () => {
    await start();
    const { openid } = simulator.login.putUser({ user: 'bob' });
    const byHeader = await web(WEB, { 'x-sim-user': 'bob' });
    expect(await exchanged(byHeader.location)).toMatchObject({ openid });
    const byQuery = await web([['__sim_user', 'bob'], ...WEB]);
    expect(await exchanged(byQuery.location)).toMatchObject({ openid });
  });

  it('is silent for snsapi_base', async () => {
    await start();
    const { location } = await web(altered(WEB, { scope: 'snsapi_base' }));
    const { openid } = simulator.login.putUser();
    expect(await exchanged(location)).toMatchObject({ openid, scope: 'snsapi_base' });
  });

  it('sends a user who refuses back with the state alone', async () => {
    await start();
    const { status, location } = await web([...WEB, ['__sim_answer', 'refuse']]);
    expect([status, location]).toEqual([302, `${CALLBACK}&state=S1`]);
    const byHeader = await web(WEB, { 'x-sim-answer': 'refuse' });
    expect(byHeader.location).toBe(`${CALLBACK}&state=S1`);
    expect(simulator.login.codes()).toEqual([]);
  });

  it('may also close without a word to the app, as in a phone', async () => {
    await start({ refusal: 'close' });
    const { status, location } = await web([...WEB, ['__sim_answer', 'refuse']]);
    expect([status, location]).toEqual([200, null]);
  });

  it('gives an app without state a code without state, before a fragment', async () => {
    await start();
    const redirect_uri = 'http://localhost/#/here';
    const parameters = altered(WEB, { state: '', redirect_uri });
    const { location } = await web([...parameters, ['__sim_user', 'bob']]);
    expect(location).toMatch(/^http:\/\/localhost\/\?code=\w{32}#\/here$/);
  });

  it('shows a snapshot to a virtual user', async () => {
    await start();
    const { location } = await web([...WEB, ['__sim_user', 'bob'], ['__sim_snapshot', '1']]);
    expect(await exchanged(location)).toMatchObject({ is_snapshotuser: 1 });
    const forced = await web([...WEB, ['forceSnapShot', 'true'], ['__sim_user', 'bob']]);
    expect(await exchanged(forced.location)).toMatchObject({ is_snapshotuser: 1 });
  });

  it('takes its parameters in the documented order only, what else there is behind them', async () => {
    await start();
    const isPage = async (parameters: Parameters) => (await web(parameters)).html.includes('Allow');
    expect(await isPage([...WEB, ['forcePopup', 'true'], ['connect_redirect', '1']])).toBe(true);
    expect(await isPage([...WEB].reverse())).toBe(false);
    expect(await isPage([['forcePopup', 'true'], ...WEB])).toBe(false);
    expect(await isPage([...WEB, ['unknown', '1']])).toBe(false);
    expect(await isPage([...WEB, ['state', 'S2']])).toBe(false);
    await simulator.stop();
    await start({ parameterOrder: 'any' });
    expect(await isPage([...WEB].reverse())).toBe(true);
  });

  it.each([
    ['10012', { appid: '' }],
    ['10011', { redirect_uri: '' }],
    ['10010', { scope: '' }],
    ['10005', { scope: 'snsapi_login' }],
    ['10005', { appid: WEBSITE.appId }],
    ['10005', { appid: MINI.appId }],
    ['1', { appid: 'gh_0123456789ab' }],
    ['10003', { redirect_uri: 'shop.example.com/back' }],
    ['10003', { redirect_uri: 'javascript:alert(1)' }],
    ['page_error', { response_type: 'token' }],
    ['page_error', { state: 'x'.repeat(129) }],
    ['page_error', { state: 'a-b' }],
  ])('error %s for %j', async (outcome, changes) => {
    await start();
    const { status, location, html } = await web([...altered(WEB, changes), ['__sim_user', 'bob']]);
    expect([status, location]).toEqual([200, null]);
    if (/^\d+$/.test(outcome)) expect(html).toContain(`code: <strong>${outcome}</strong>`);
    expect(simulator.calls().log.at(-1)?.outcome).toBe(outcome);
    expect(simulator.login.codes()).toEqual([]);
  });

  it('takes a state of 128 bytes, and no empty one', async () => {
    await start();
    expect((await web(altered(WEB, { state: 'x'.repeat(128) }))).html).toContain('Allow');
    const { html } = await web([...altered(WEB, { state: '' }), ['state', '']]);
    expect(html).toContain('<strong>10013</strong>');
  });

  it.each([
    ['http://shop.example.com/anything', true],
    ['https://shop.example.com:8443/', true],
    ['http://www.shop.example.com/', false],
    ['http://shop.example.com.evil.example/', false],
    ['http://shop.example.com@evil.example/', false],
    ['http://pay.example.com/pay', true],
    ['http://pay.example.com/pay/back', true],
    ['http://pay.example.com/payment', false],
    ['http://pay.example.com/', false],
  ])('sends users back to hosts of the app alone: %s, %s', async (redirect_uri, isWelcome) => {
    await start({
      apps: [{ ...DEFAULT_APP, callbackDomains: ['shop.example.com', 'pay.example.com/pay'] }],
    });
    const { html } = await web(altered(WEB, { redirect_uri }));
    expect(html.includes('Allow')).toBe(isWelcome);
    expect(html.includes('10003')).toBe(!isWelcome);
  });

  it('takes two callback domains at most', () => {
    const apps = [{ ...DEFAULT_APP, callbackDomains: ['a', 'b', 'c'] }];
    return expect(start({ apps })).rejects.toThrow('callbackDomains: at most 2');
  });

  it('is 10004 for a banned account, and another error on demand', async () => {
    await start();
    simulator.setState('blocked');
    expect((await web()).html).toContain('10004');
    simulator.addFault({ path: '/connect/oauth2/authorize', errcode: 10009 });
    expect((await web()).html).toContain('10009');
  });
});

describe('the page with the QR code', () => {
  it('is for websites, in any order of its parameters', async () => {
    await start();
    const jsParameters = [['login_type', 'jssdk'] as const, ['self_redirect', 'default'] as const];
    expect((await qr([...QR, ...jsParameters])).html).toContain('Allow');
    const { location } = await qr([...QR, ['__sim_user', 'bob']]);
    expect(location).toMatch(/&code=\w{32}&state=S1$/);
    expect((await qr([...QR, ['__sim_answer', 'refuse']])).location).toBe(`${CALLBACK}&state=S1`);
  });

  it.each([
    [{ appid: DEFAULT_APP.appId }, 'Scope 参数错误或没有 Scope 权限'],
    [{ scope: 'snsapi_userinfo' }, '该链接无法访问'],
    [{ redirect_uri: 'http://evil.example/' }, '该链接无法访问'],
    [{ state: 'x'.repeat(129) }, 'state 参数过长'],
  ])('an error for %j', async (changes, text) => {
    await start({ apps: [DEFAULT_APP, { ...WEBSITE, callbackDomains: ['shop.example.com'] }] });
    const { html, location } = await qr([...altered(QR, changes), ['__sim_user', 'bob']]);
    expect(location).toBeNull();
    expect(html).toContain(text);
  });
});
