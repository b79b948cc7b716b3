import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { SimulatorDriver } from '../../../../../test/support/simulator-driver.js';
import { DEFAULT_APP, type SimulatedApp, type SimulatorOptions } from '../settings.js';

const MINI: SimulatedApp = { appId: 'wx00000000000000bb', appSecret: 'b'.repeat(32), type: 'mini_program' };

let driver: SimulatorDriver;
let token: string;
const start = async (options: SimulatorOptions = {}) => {
  driver = await SimulatorDriver.start({ apps: [MINI, DEFAULT_APP], ...options });
  const { appId: appid, appSecret: secret } = MINI;
  token = String((await driver.classic({ appid, secret })).body.access_token);
  return driver.simulator.login;
};
afterEach(() => driver.simulator.stop());

async function sessionKey(code: string): Promise<string> {
  const { appId, appSecret } = MINI;
  const query = `appid=${appId}&secret=${appSecret}&js_code=${code}&grant_type=authorization_code`;
  return String((await driver.call('GET', `/sns/jscode2session?${query}`)).body.session_key);
}

describe('a session_key', () => {
  const check = async (openid: string, key: string, path = 'checksession', method = 'hmac_sha256') => {
    const signature = createHmac('sha256', key).update('').digest('hex');
    const query = `access_token=${token}&openid=${openid}&signature=${signature}&sig_method=${method}`;
    return (await driver.call('GET', `/wxa/${path}?${query}`)).body;
  };

  it('is valid until the user logs in again', async () => {
    const login = await start();
    const { code, openid } = login.createCode();
    const key = await sessionKey(code);
    expect(await check(openid, key)).toEqual({ errcode: 0, errmsg: 'ok' });
    const later = login.createCode();
    const stale = await check(openid, key);
    expect(stale.errcode).toBe(87009);
    expect(stale.errmsg).toMatch(/^invalid signature rid: /);
    expect(await check(openid, await sessionKey(later.code))).toMatchObject({ errcode: 0 });
  });

  it('may outlast a new login', async () => {
    const login = await start({ sessionKeys: 'kept' });
    const key = await sessionKey(login.createCode().code);
    expect(await sessionKey(login.createCode().code)).toBe(key);
    expect(login.renewSessionKey()).not.toBe(key);
  });

  it('is of one user', async () => {
    const login = await start();
    const key = await sessionKey(login.createCode().code);
    const { openid } = login.createCode({ user: 'bob' });
    expect(await check(openid, key)).toMatchObject({ errcode: 87009 });
  });

  it('is changed on demand', async () => {
    const login = await start();
    const { code, openid } = login.createCode();
    const key = await sessionKey(code);
    const reset = await check(openid, key, 'resetusersessionkey');
    expect(reset).toMatchObject({ errcode: 0, errmsg: 'ok', openid });
    expect(await check(openid, key)).toMatchObject({ errcode: 87009 });
    expect(await check(openid, String(reset.session_key))).toMatchObject({ errcode: 0 });
  });

  it('is not asked about with another method, another app or a dead token', async () => {
    const login = await start();
    const { code, openid } = login.createCode();
    const key = await sessionKey(code);
    expect(await check(openid, key, 'checksession', 'md5')).toMatchObject({ errcode: 87008 });
    const { openid: foreign } = login.putUser({ appId: DEFAULT_APP.appId });
    expect(await check(foreign, key)).toMatchObject({ errcode: 40003 });
    token = 'x';
    expect(await check(openid, key)).toMatchObject({ errcode: 40001 });
  });

  it('decrypts what the mini program received, which names its appid', async () => {
    const login = await start();
    const { code } = login.createCode();
    const key = await sessionKey(code);
    const { body } = await driver.call('POST', '/__sim/encrypted-data', { data: { runs: [1] } });
    const iv = Buffer.from(String(body.iv), 'base64');
    const decipher = createDecipheriv('aes-128-cbc', Buffer.from(key, 'base64'), iv);
    const text = decipher.update(String(body.encrypted_data), 'base64', 'utf8') + decipher.final('utf8');
    const timestamp = Math.floor(driver.nowMs / 1000);
    expect(JSON.parse(text)).toEqual({ runs: [1], watermark: { timestamp, appid: MINI.appId } });
    expect(text).toBe(body.raw_data);
    expect(body.signature).toBe(
      createHash('sha1')
        .update(text + key)
        .digest('hex'),
    );
    const forged = { watermark: { appid: 'wx0' } };
    expect(JSON.parse(login.encrypt({ data: forged }).raw_data)).toEqual(forged);
  });
});

describe('POST /wxa/business/getuserphonenumber', () => {
  const ask = async (body: unknown) =>
    (await driver.call('POST', `/wxa/business/getuserphonenumber?access_token=${token}`, body)).body;

  it('gives the number for a code of its own, once', async () => {
    const login = await start();
    const { code, openid } = login.createPhoneCode({ phoneNumber: '13800000001' });
    expect(code).toMatch(/^[0-9a-f]{64}$/);
    expect(await ask({ code, openid })).toEqual({
      errcode: 0,
      errmsg: 'ok',
      phone_info: {
        phoneNumber: '13800000001',
        purePhoneNumber: '13800000001',
        countryCode: '86',
        watermark: { timestamp: Math.floor(driver.nowMs / 1000), appid: MINI.appId },
      },
    });
    expect(await ask({ code })).toMatchObject({ errcode: 40029 });
    expect(login.phoneCodes()).toMatchObject([{ code, sent: 2 }]);
  });

  it('takes no login code, no code of another app or user, and none after 5 minutes', async () => {
    const login = await start();
    expect(await ask({ code: login.createCode().code })).toMatchObject({ errcode: 40029 });
    expect(await ask({})).toMatchObject({ errcode: 40029 });
    const foreign = login.createPhoneCode({ appId: DEFAULT_APP.appId });
    expect(await ask({ code: foreign.code })).toMatchObject({ errcode: 40013 });
    const { openid } = login.putUser({ user: 'bob' });
    expect(await ask({ code: login.createPhoneCode().code, openid })).toMatchObject({ errcode: 40003 });
    const { code } = login.createPhoneCode();
    driver.passSeconds(300);
    expect(await ask({ code })).toMatchObject({ errcode: 40029 });
  });
});

describe('users by the global token', () => {
  const user = async (openid: string) =>
    (await driver.call('GET', `/cgi-bin/user/info?access_token=${token}&openid=${openid}&lang=en`)).body;
  const batch = async (openids: readonly string[]) =>
    (
      await driver.call('POST', `/cgi-bin/user/info/batchget?access_token=${token}`, {
        user_list: openids.map((openid) => ({ openid, lang: 'en' })),
      })
    ).body;

  it('are told with unionid, and without name and picture', async () => {
    const login = await start();
    const { openid, unionid } = login.putUser();
    expect(await user(openid)).toMatchObject({
      ...{ subscribe: 1, openid, unionid, nickname: '', headimgurl: '', language: 'en' },
    });
  });

  it('who do not follow are told by their ids alone', async () => {
    const login = await start();
    const { openid, unionid } = login.putUser({ subscribed: false });
    expect(await user(openid)).toEqual({ subscribe: 0, openid, unionid });
  });

  it('come 100 at most at once, in the order of the question', async () => {
    const login = await start();
    const openids = Array.from({ length: 100 }, (_, i) => login.putUser({ user: `u${String(i)}` }).openid);
    const { user_info_list: list } = await batch(openids);
    expect((list as { openid: string }[]).map(({ openid }) => openid)).toEqual(openids);
    expect(await batch([...openids, openids[0] ?? ''])).toMatchObject({ errcode: 40032 });
    expect(await batch([])).toMatchObject({ errcode: 40031 });
  });

  it('of another app are refused, a whole batch with them', async () => {
    const login = await start();
    const foreign = login.putUser({ appId: DEFAULT_APP.appId }).openid;
    expect(await user(foreign)).toMatchObject({ errcode: 40003 });
    expect(await batch([login.putUser().openid, foreign])).toMatchObject({ errcode: 40003 });
  });

  it('exist by the pattern of their openid, also if the simulator never heard of them', async () => {
    const login = await start();
    const { openid, unionid } = login.putUser();
    driver.simulator.reset();
    const { appId: appid, appSecret: secret } = MINI;
    token = String((await driver.classic({ appid, secret })).body.access_token);
    expect(await user(openid)).toMatchObject({ subscribe: 1, unionid });
  });

  it('need a token that lives', async () => {
    const login = await start();
    const { openid } = login.putUser();
    driver.simulator.killToken();
    expect(await user(openid)).toMatchObject({ errcode: 40001 });
    expect(await batch([openid])).toMatchObject({ errcode: 40001 });
  });
});

describe('a website', () => {
  it('has no token of its own', async () => {
    await start({ apps: [{ ...DEFAULT_APP, type: 'website' }, MINI] });
    expect((await driver.classic()).body.errcode).toBe(48001);
  });

  it('is one of the types that there are', () => {
    const apps = [{ ...DEFAULT_APP, type: 'qq' as 'website' }];
    return expect(SimulatorDriver.start({ apps })).rejects.toThrow(/^type: must be official_account or/);
  });
});
