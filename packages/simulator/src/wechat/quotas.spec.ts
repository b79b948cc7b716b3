import { SimulatorDriver } from '../../../../test/support/simulator-driver.js';
import { DEFAULT_APP, type SimulatorOptions } from './settings.js';

let driver: SimulatorDriver;
const start = async (options: SimulatorOptions = {}) => (driver = await SimulatorDriver.start(options));
afterEach(() => driver.simulator.stop());

const { appId: appid, appSecret: appsecret } = DEFAULT_APP;
const LAST_MOMENT_OF_DAY_MS = Date.parse('2026-11-21T15:59:59.999Z');
const MIDNIGHT_MS = Date.parse('2026-11-21T16:00:00Z');

async function quotaOf(token: string, path: string): Promise<unknown> {
  const { body } = await driver.call('POST', `/cgi-bin/openapi/quota/get?access_token=${token}`, {
    cgi_path: path,
  });
  return body;
}

describe('the day quota', () => {
  it('of classic fetches ends with the hint to the stable token, and begins anew at midnight in Beijing', async () => {
    await start({ dayQuota: 2 });
    await driver.token();
    await driver.token();
    driver.nowMs = LAST_MOMENT_OF_DAY_MS;
    const { body } = await driver.classic();
    expect(body.errcode).toBe(45009);
    expect(body.errmsg).toMatch(
      /^reach max api daily quota limit, could get access_token by getStableAccessToken, more details at https:\/\/mmbizurl\.cn\/s\/JtxxFh33r rid: [\da-f-]{26}$/,
    );
    driver.nowMs = MIDNIGHT_MS;
    expect((await driver.classic()).body.expires_in).toBe(7200);
  });

  it('of stable fetches has no hint', async () => {
    await start({ stableDayQuota: 1 });
    await driver.token('stable');
    const { body } = await driver.stable();
    expect(body.errmsg).toMatch(/^reach max api daily quota limit rid: /);
  });

  it('is the same for all callers, also for others with the same secret', async () => {
    await start({ dayQuota: 1 });
    driver.simulator.rotateByOther();
    expect((await driver.classic()).body.errcode).toBe(45009);
  });

  it('can be over before its time', async () => {
    await start({ dayQuota: 1 });
    const token = await driver.token();
    driver.simulator.advanceDay();
    await driver.token();
    expect(await driver.errcodeWith(token)).toBeUndefined();
  });

  it.each([
    [{}, 2000],
    [{ sandbox: true }, 200],
    [{ sandbox: true, dayQuota: 7 }, 7],
  ])('with %j is %d', async (options, limit) => {
    await start(options);
    const token = await driver.token();
    const quota = { daily_limit: limit, used: 1, remain: limit - 1 };
    expect(await quotaOf(token, '/cgi-bin/token')).toEqual({ errcode: 0, errmsg: 'ok', quota });
  });

  it('counts business calls too', async () => {
    await start({ businessDayQuota: 1 });
    const token = await driver.token();
    expect(await driver.errcodeWith(token)).toBeUndefined();
    expect(await driver.errcodeWith(token)).toBe(45009);
  });
});

describe('the minute quota', () => {
  it('ends with the clock minute', async () => {
    await start({ minuteQuota: 1 });
    driver.passSeconds(58);
    await driver.token();
    driver.passSeconds(1.999);
    const { body } = await driver.classic();
    expect(body.errmsg).toMatch(/^api minute-quota reach limit, must slower, retry next minute rid: /);
    expect(body.errcode).toBe(45011);
    driver.passSeconds(0.001);
    expect((await driver.classic()).body.expires_in).toBe(7200);
  });

  it('of stable fetches is worded as the platform words it', async () => {
    await start({ stableMinuteQuota: 1 });
    await driver.token('stable');
    const { body } = await driver.stable();
    expect(body.errmsg).toMatch(/^api minute-quota reach limit mustslower retry next minute rid: /);
    expect(body.errcode).toBe(45011);
  });
});

describe('POST /cgi-bin/openapi/quota/get', () => {
  it('tells the rate limit where there is one', async () => {
    await start();
    const token = await driver.token('stable');
    expect(await quotaOf(token, '/cgi-bin/stable_token')).toEqual({
      errcode: 0,
      errmsg: 'ok',
      quota: { daily_limit: 500_000, used: 1, remain: 499_999 },
      rate_limit: { call_count: 10_000, refresh_second: 60 },
    });
  });

  it('knows neither unknown paths nor /sns/', async () => {
    await start();
    const token = await driver.token();
    expect(await quotaOf(token, '/cgi-bin/nothing')).toMatchObject({ errcode: 76021 });
    expect(await quotaOf(token, '/sns/userinfo')).toMatchObject({ errcode: 76022 });
    expect(await quotaOf('', '/cgi-bin/token')).toMatchObject({ errcode: 41001 });
  });
});

describe('clearing the quotas', () => {
  const clear = (token: string, app = appid) =>
    driver.call('POST', `/cgi-bin/clear_quota?access_token=${token}`, { appid: app });

  it('needs a token of that app', async () => {
    await start({ dayQuota: 1 });
    const token = await driver.token();
    expect((await clear(token, 'wx0')).body.errcode).toBe(40013);
    expect((await clear('x')).body.errcode).toBe(40001);
    expect((await driver.classic()).body.errcode).toBe(45009);
    expect((await clear(token)).text).toBe('{"errcode":0,"errmsg":"ok"}');
    expect((await driver.classic()).body.expires_in).toBe(7200);
  });

  it('works with the secret when no token can be had, in the query or in the body', async () => {
    await start({ dayQuota: 0 });
    const inQuery = `?${new URLSearchParams({ appid, appsecret }).toString()}`;
    expect((await driver.call('POST', `/cgi-bin/clear_quota/v2${inQuery}`)).body.errcode).toBe(0);
    expect((await driver.call('POST', '/cgi-bin/clear_quota/v2', { appid, appsecret })).body.errcode).toBe(0);
  });

  it.each([
    [{ appsecret }, 41002],
    [{ appid: 'wx0', appsecret }, 40013],
    [{ appid }, 41004],
    [{ appid, appsecret: 'x' }, 40125],
  ])('refuses %j', async (body, errcode) => {
    await start();
    expect((await driver.call('POST', '/cgi-bin/clear_quota/v2', body)).body.errcode).toBe(errcode);
  });

  it('is possible 10 times in a month of UTC+8, both ways together', async () => {
    await start();
    const token = await driver.token();
    driver.nowMs = Date.parse('2026-11-30T15:00:00Z');
    const fresh = await driver.token();
    for (let count = 0; count < 9; count++) await clear(fresh);
    await driver.call('POST', '/cgi-bin/clear_quota/v2', { appid, appsecret });
    const { body } = await clear(fresh);
    expect(body.errcode).toBe(48006);
    expect(body.errmsg).toMatch(/^forbid to clear quota because of reaching the limit rid: /);
    driver.nowMs = Date.parse('2026-11-30T16:00:00Z');
    expect((await clear(fresh)).body.errcode).toBe(0);
    expect((await clear(token)).body.errcode).not.toBe(0);
  });
});
