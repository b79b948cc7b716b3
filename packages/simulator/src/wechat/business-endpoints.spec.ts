import { SimulatorDriver } from '../../../../test/support/simulator-driver.js';
import { DEFAULT_APP, type SimulatorOptions } from './settings.js';

const OTHER_APP = { appId: 'wx00000000000000aa', appSecret: 'a'.repeat(32) };

let driver: SimulatorDriver;
const start = async (options: SimulatorOptions = {}) => (driver = await SimulatorDriver.start(options));
afterEach(() => driver.simulator.stop());

describe('a token on a business call', () => {
  it.each([
    ['', 41001, 'access_token missing'],
    [
      '?access_token=2',
      40001,
      'invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r',
    ],
  ])('%s is refused with HTTP 200', async (query, errcode, text) => {
    await start();
    const { status, body } = await driver.call('GET', `/cgi-bin/getcallbackip${query}`);
    expect(status).toBe(200);
    expect(body.errcode).toBe(errcode);
    expect(String(body.errmsg).slice(0, -26)).toBe(`${text} rid: `);
  });

  it('that has expired is refused as such', async () => {
    await start();
    const token = await driver.token();
    driver.passSeconds(7200);
    const { body } = await driver.call('GET', `/cgi-bin/getcallbackip?access_token=${token}`);
    expect(body.errcode).toBe(42001);
    expect(body.errmsg).toMatch(/^access_token expired rid: /);
  });

  it('is good for every API, of either family', async () => {
    await start({ users: ['o1'] });
    for (const token of [await driver.token(), await driver.token('stable')]) {
      const ask = (method: string, path: string, body?: unknown) =>
        driver.call(method, `/cgi-bin/${path}access_token=${token}`, body);
      expect((await ask('GET', 'get_api_domain_ip?')).body.ip_list).toContain('101.226.212.27');
      expect((await ask('GET', 'getcallbackip?')).body.ip_list).toContain('101.226.62.77');
      expect((await ask('GET', 'user/info?openid=o1&')).body).toMatchObject({ subscribe: 1, openid: 'o1' });
      expect((await ask('POST', 'message/custom/send?', { touser: 'o1', msgtype: 'text' })).text).toBe(
        '{"errcode":0,"errmsg":"ok"}',
      );
    }
  });

  it('does not excuse what else is wrong', async () => {
    await start();
    const token = await driver.token();
    const send = `/cgi-bin/message/custom/send?access_token=${token}`;
    expect((await driver.call('GET', `/cgi-bin/user/info?access_token=${token}`)).body.errcode).toBe(40003);
    expect((await driver.call('GET', send)).body.errcode).toBe(43002);
    expect((await driver.call('POST', send)).body.errcode).toBe(44002);
    expect((await driver.call('POST', send, {})).body.errcode).toBe(40003);
  });

  it('does not open an API that the app was not granted', async () => {
    await start({ apps: [{ ...DEFAULT_APP, unauthorizedPaths: ['/cgi-bin/user/info'] }] });
    const token = await driver.token();
    const { body } = await driver.call('GET', `/cgi-bin/user/info?openid=o1&access_token=${token}`);
    expect(body.errmsg).toMatch(/^api unauthorized rid: /);
    expect(body.errcode).toBe(48001);
    expect(await driver.errcodeWith(token)).toBeUndefined();
  });

  it('is of no use to a blocked account, which can still fetch', async () => {
    await start();
    driver.simulator.setState('blocked');
    expect(await driver.errcodeWith(await driver.token())).toBe(50002);
  });
});

describe('apps', () => {
  it('have their own tokens, quotas, whitelists and states', async () => {
    await start({ apps: [DEFAULT_APP, { ...OTHER_APP, ipWhitelist: ['10.0.0.1'] }], dayQuota: 1 });
    const { appId: appid, appSecret: secret } = OTHER_APP;
    const token = await driver.token();
    expect((await driver.classic({ appid, secret })).body.errcode).toBe(40164);
    driver.simulator.setIpWhitelist(null, appid);
    expect((await driver.classic({ appid, secret })).body.expires_in).toBe(7200);
    driver.simulator.setState('blocked', appid);
    expect(await driver.errcodeWith(token)).toBeUndefined();
    expect((await driver.classic({ appid })).body.errcode).toBe(40125);
  });
});

describe('GET /cgi-bin/ticket/getticket', () => {
  const ticket = (token: string, type = 'jsapi') =>
    driver.call('GET', `/cgi-bin/ticket/getticket?access_token=${token}&type=${type}`);

  it('gives the same ticket within a window of 2 h that begins at an even clock mark', async () => {
    await start();
    const { body, text } = await ticket(await driver.token());
    expect(text).toMatch(/^\{"errcode":0,"errmsg":"ok","ticket":"[\w-]{86}","expires_in":7200\}$/);
    driver.nowMs = Date.parse('2026-11-21T03:59:59.999Z');
    expect((await ticket(await driver.token())).body).toEqual(body);
    driver.nowMs = Date.parse('2026-11-21T04:00:00Z');
    const later = (await ticket(await driver.token())).body;
    expect(later.expires_in).toBe(7200);
    expect(later.ticket).not.toBe(body.ticket);
  });

  it('has one per type, whatever the token', async () => {
    await start();
    const jsapi = (await ticket(await driver.token())).body.ticket;
    const card = (await ticket(await driver.token('stable'), 'wx_card')).body.ticket;
    expect(card).not.toBe(jsapi);
    expect((await ticket(await driver.token('stable', { force_refresh: true }))).body.ticket).toBe(jsapi);
  });

  it('refuses a bad token and an unknown type', async () => {
    await start();
    expect((await ticket('x')).body.errcode).toBe(40001);
    expect((await ticket(await driver.token(), 'card')).body.errcode).toBe(40097);
  });
});

describe('a media file', () => {
  it.each([
    ['photo.jpg', '.jpg'],
    ['图.png', '.png'],
    ['a\u0001.\u007fb', ''],
  ])('uploaded as %j comes back byte for byte, named after its id with %j', async (name, extension) => {
    await start();
    const token = await driver.token();
    const at = (path: string, init?: RequestInit) =>
      fetch(`${driver.simulator.url}/cgi-bin/media/${path}&access_token=${token}`, init);
    const file = Buffer.from('\u0089PNG\r\n\0图');
    const form = new FormData();
    form.append('media', new Blob([file], { type: 'image/png' }), name);
    const uploaded = await at('upload?type=image', { method: 'POST', body: form });
    const { media_id } = (await uploaded.json()) as { media_id: string };
    const downloaded = await at(`get?media_id=${media_id}`);
    expect(Buffer.from(await downloaded.arrayBuffer())).toEqual(file);
    expect(downloaded.headers.get('content-disposition')).toBe(
      `attachment; filename="${media_id}${extension}"`,
    );
  });
});
