import { SimulatorDriver } from '../../../../test/support/simulator-driver.js';
import type { AccountState } from './account-state.js';
import type { SimulatorOptions } from './settings.js';

const HINT =
  'could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r';
const RID = '[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}';

let driver: SimulatorDriver;
const start = async (options: SimulatorOptions = {}) => (driver = await SimulatorDriver.start(options));
afterEach(() => driver.simulator.stop());

function withRid(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[.?/]/g, '\\$&')} rid: ${RID}$`);
}

describe('a granted fetch', () => {
  it.each(['classic', 'stable'] as const)(
    '%s: only the token and its life, as the platform sends them',
    async (family) => {
      await start();
      const { status, type, text, body } = await driver[family]();
      expect({ status, type }).toEqual({ status: 200, type: 'application/json; encoding=utf-8' });
      expect(text).toMatch(/^\{"access_token":"[^"]+","expires_in":7200\}$/);
      expect(body.access_token).toMatch(/^\d+_[\w-]+$/);
      expect(String(body.access_token).length).toBeGreaterThanOrEqual(136);
      expect(String(body.access_token).length).toBeLessThanOrEqual(157);
    },
  );

  it('answers whole seconds, rounded down, when times are scaled below them', async () => {
    await start({ expiresInSeconds: 2.5 });
    expect((await driver.classic()).body.expires_in).toBe(2);
  });
});

describe('a refused fetch', () => {
  const CASES: [name: string, field: Record<string, string>, errcode: number, text: string][] = [
    ['grant_type', { grant_type: 'client_credentials' }, 40002, 'invalid grant_type'],
    ['no appid', { appid: '' }, 41002, 'appid missing'],
    ['unknown appid', { appid: 'wx0000000000000000' }, 40013, 'invalid appid'],
    ['no secret', { secret: '' }, 41004, 'appsecret missing'],
    ['wrong secret', { secret: 'f'.repeat(32) }, 40125, 'invalid appsecret'],
  ];

  it.each(CASES)('%s, on both endpoints', async (_, fields, errcode, text) => {
    await start();
    for (const answer of [await driver.classic(fields), await driver.stable(fields)]) {
      expect(answer).toMatchObject({
        status: 200,
        type: 'application/json; encoding=utf-8',
        body: { errcode },
      });
      expect(answer.body.errmsg).toMatch(withRid(text));
    }
  });

  it('has the Unix time in hex as the first group of its rid', async () => {
    await start();
    driver.nowMs = Date.parse('2023-11-10T09:09:16Z');
    expect((await driver.classic({ appid: '' })).body.errmsg).toMatch(/ rid: 654df33c-/);
  });

  it('can call a wrong secret 40001, as older reports have it', async () => {
    await start({ wrongSecretErrcode: 40001 });
    const { body } = await driver.classic({ secret: 'f'.repeat(32) });
    expect(body.errcode).toBe(40001);
    expect(body.errmsg).toMatch(
      withRid(`invalid credential, access_token is invalid or not latest, ${HINT}`),
    );
  });

  it('names the IP of a caller who is not in the whitelist twice', async () => {
    await start({ ipWhitelist: ['10.0.0.1'] });
    const text = 'invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist';
    for (const { body } of [await driver.classic(), await driver.stable()]) {
      expect(body.errcode).toBe(40164);
      expect(body.errmsg).toMatch(withRid(text));
    }
    driver.simulator.setIpWhitelist(['127.0.0.1']);
    expect((await driver.classic()).body.expires_in).toBe(7200);
  });

  it.each<[AccountState, number]>([
    ['secret_frozen', 40243],
    ['token_forbidden', 50004],
    ['frozen', 50007],
    ['admin_waiting', 89501],
    ['admin_needed', 89503],
    ['ip_blocked_for_a_day', 89506],
    ['ip_blocked_for_an_hour', 89507],
  ])('account %s', async (state, errcode) => {
    await start();
    driver.simulator.setState(state);
    expect((await driver.classic()).body.errcode).toBe(errcode);
    expect((await driver.stable()).body.errcode).toBe(errcode);
    driver.simulator.setState('ok');
    expect((await driver.classic()).body.expires_in).toBe(7200);
  });

  it('tells the punished account in the words of the platform', async () => {
    await start();
    driver.simulator.setState('token_forbidden');
    expect((await driver.classic()).body.errmsg).toMatch(
      withRid('user not allow to use accesstoken, maybe for punishment'),
    );
  });

  it('mints and counts nothing', async () => {
    await start();
    for (const [, fields] of CASES) await driver.classic(fields);
    expect(driver.simulator.tokens()).toEqual([]);
    expect((await quotaUsed()) - 1).toBe(0);
  });

  async function quotaUsed(): Promise<number> {
    const token = await driver.token();
    const path = `/cgi-bin/openapi/quota/get?access_token=${token}`;
    const { body } = await driver.call('POST', path, { cgi_path: '/cgi-bin/token' });
    return Object(body.quota).used as number;
  }
});

describe('the order of the checks', () => {
  /** Each fetch is wrong in everything from here on, so the answer tells which check came first. */
  const WRONG = { grant_type: 'x', appid: 'wx0', secret: 'x' };

  it('is grant, app, secret, account state, IP, quota', async () => {
    await start({ ipWhitelist: ['10.0.0.1'], dayQuota: 0, minuteQuota: 0 });
    driver.simulator.setState('secret_frozen');
    const errcodes: unknown[] = [];
    const ask = async (fields: Record<string, string>) =>
      errcodes.push((await driver.classic(fields)).body.errcode);
    const { grant_type, appid, ...rest } = WRONG;
    await ask({ grant_type, appid, ...rest });
    await ask({ appid, ...rest });
    await ask(rest);
    await ask({});
    driver.simulator.setState('ok');
    await ask({});
    driver.simulator.setIpWhitelist(null);
    await ask({});
    expect(errcodes).toEqual([40002, 40013, 40125, 40243, 40164, 45011]);
  });

  it('can put the IP before the secret', async () => {
    await start({ ipWhitelist: ['10.0.0.1'], checkOrder: ['grant_type', 'appid', 'ip', 'secret', 'state'] });
    expect((await driver.classic({ secret: 'x' })).body.errcode).toBe(40164);
  });
});

describe('POST /cgi-bin/stable_token', () => {
  it.each([
    ['GET', undefined, 43002, 'require POST method'],
    ['POST', '', 44002, 'empty post data'],
    ['POST', '{"grant_type":', 47001, 'data format error'],
    ['POST', '[]', 47001, 'data format error'],
  ])('refuses %s %s', async (method, body, errcode, text) => {
    await start();
    const answer = await driver.request(method, '/cgi-bin/stable_token', body);
    expect(answer.body.errcode).toBe(errcode);
    expect(answer.body.errmsg).toMatch(withRid(text));
  });
});

describe('a secret that was reset', () => {
  it('is the only one accepted; tokens live on', async () => {
    await start();
    const token = await driver.token();
    driver.simulator.resetSecret('0'.repeat(32));
    expect((await driver.classic()).body.errcode).toBe(40125);
    expect((await driver.classic({ secret: '0'.repeat(32) })).body.expires_in).toBe(7200);
    expect(await driver.errcodeWith(token)).toBeUndefined();
  });
});

describe('a path that does not exist', () => {
  it('is an HTML page with status 404, or errcode 40066', async () => {
    await start();
    expect(await driver.call('GET', '/cgi-bin/nothing')).toMatchObject({ status: 404, type: 'text/html' });
    await driver.simulator.stop();
    await start({ unknownPath: 'errcode' });
    const { status, body } = await driver.call('GET', '/cgi-bin/nothing');
    expect(status).toBe(200);
    expect(body.errmsg).toMatch(withRid('invalid url'));
  });

  it('under /sns/ is plain text, with a comma before the rid', async () => {
    await start({ unknownPath: 'errcode' });
    const { type, body } = await driver.call('GET', '/sns/nothing');
    expect(type).toBe('text/plain');
    expect(body.errmsg).toMatch(new RegExp(`^invalid url, rid: ${RID}$`));
  });
});
