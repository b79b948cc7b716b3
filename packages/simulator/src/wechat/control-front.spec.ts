import { SimulatorDriver } from '../../../../test/support/simulator-driver.js';
import { DEFAULT_APP, type SimulatorOptions } from './settings.js';

let driver: SimulatorDriver;
const start = async (options: SimulatorOptions = {}) => (driver = await SimulatorDriver.start(options));
const post = (body: unknown) => driver.call('POST', '/__sim/faults', body);
afterEach(() => driver.simulator.stop());

describe('GET /__sim/tokens', () => {
  const ask = async (query = '') => (await driver.call('GET', `/__sim/tokens${query}`)).body;

  it('lists what was issued when, and how it ended', async () => {
    await start();
    const from = driver.nowMs;
    const [first, second] = [await driver.token(), await driver.token()];
    const stable = await driver.token('stable');
    driver.passSeconds(300);
    const common = { app_id: DEFAULT_APP.appId, issued_to: 'caller', delivered: true, issued_at: from };
    const whole = {
      ...common,
      expires_at: from + 7_200_000,
      ends_at: from + 7_200_000,
      died_at: null,
      death: null,
    };
    const ended = { ends_at: from + 300_000, died_at: from + 300_000, death: 'overwritten' };
    expect(await ask()).toEqual({
      now: driver.nowMs,
      tokens: [
        { ...whole, ...ended, family: 'classic', token: first },
        { ...whole, family: 'classic', token: second },
        { ...whole, family: 'stable', token: stable },
      ],
    });
    expect((await ask('?family=stable')).tokens).toMatchObject([{ token: stable }]);
    expect((await ask(`?app_id=${DEFAULT_APP.appId}`)).tokens).toHaveLength(3);
  });

  it('tells whether a token was valid and newest at any past instant, whatever happened since', async () => {
    await start();
    const from = driver.nowMs;
    const token = await driver.token();
    driver.passSeconds(100);
    const second = await driver.token();
    driver.passSeconds(100);
    await driver.token();
    driver.passSeconds(8000);
    const verdict = async (seconds: number, value = token) => {
      const { valid, why, newest } = await ask(`?token=${value}&at=${String(from + seconds * 1000)}`);
      return [valid, why, newest];
    };
    expect(await verdict(-0.001)).toEqual([false, 'not_yet_issued', false]);
    expect(await verdict(0)).toEqual([true, 'valid', true]);
    expect(await verdict(99.999)).toEqual([true, 'valid', true]);
    expect(await verdict(100)).toEqual([true, 'valid', false]);
    expect(await verdict(199.999)).toEqual([true, 'valid', false]);
    expect(await verdict(200)).toEqual([false, 'overwritten', false]);
    expect(await verdict(499.999, second)).toEqual([true, 'valid', false]);
    expect(await verdict(500, second)).toEqual([false, 'overwritten', false]);
    expect(await verdict(0, '83_unknown')).toEqual([false, 'unknown', false]);
  });

  it('speaks of now without an instant', async () => {
    await start();
    const token = await driver.token();
    driver.passSeconds(7200);
    expect(await ask(`?token=${token}`)).toMatchObject({
      valid: false,
      why: 'expired',
      newest: true,
      tokens: [{ token }],
    });
  });

  it.each(['expires_in', 'family=old', 'at=1', 'token=x&at=noon', 'app_id=wx0'])(
    'refuses ?%s',
    async (query) => {
      await start();
      const { status, body } = await driver.call('GET', `/__sim/tokens?${query}`);
      expect(status).toBe(400);
      expect(body.error).toMatch(/^(expires_in|family|token|at|app_id): /);
    },
  );
});

describe('GET /__sim/calls', () => {
  it('counts by app, path and outcome, and logs what came when', async () => {
    await start();
    await driver.classic();
    await driver.classic({ secret: 'x' });
    await driver.classic({ appid: 'wx0' });
    driver.simulator.addFault({ hang: true, mint: true, path: '/none' });
    const id = driver.simulator.addFault({ errcode: -1 });
    await driver.stable();
    driver.simulator.rotateByOther();
    const at = driver.nowMs;
    const app_id = DEFAULT_APP.appId;
    const [classic, stable] = ['/cgi-bin/token', '/cgi-bin/stable_token'];
    const { body } = await driver.call('GET', `/__sim/calls?app_id=${app_id}`);
    expect(body).toEqual({
      fetches: 2,
      minted: 1,
      minted_by_others: 1,
      counts: [
        { app_id, path: classic, requests: 2, processed: 2, outcomes: { ok: 1, '40125': 1 } },
        { app_id, path: stable, requests: 1, processed: 0, outcomes: { errcode: 1 } },
      ],
      log: [
        { at, app_id, method: 'GET', path: classic, processed_at: at, outcome: 'ok', fault: null },
        { at, app_id, method: 'GET', path: classic, processed_at: at, outcome: '40125', fault: null },
        { at, app_id, method: 'POST', path: stable, processed_at: null, outcome: 'errcode', fault: id },
      ],
    });
    expect(driver.simulator.calls()).toMatchObject({ fetches: 3, minted: 1 });
  });

  it('names no secret and no token', async () => {
    await start();
    const token = await driver.token();
    await driver.errcodeWith(token);
    const { text } = await driver.call('GET', '/__sim/calls');
    expect(text).not.toContain(token);
    expect(text).not.toContain(DEFAULT_APP.appSecret);
  });
});

describe('the rest of the control API', () => {
  it('POST /__sim/reset makes a fresh world', async () => {
    await start({ dayQuota: 1 });
    const token = await driver.token();
    driver.simulator.resetSecret('x');
    driver.simulator.addFault({ errcode: -1 });
    await driver.call('POST', '/__sim/reset');
    expect(await driver.errcodeWith(token)).toBe(40001);
    expect(driver.simulator.tokens()).toEqual([]);
    expect((await driver.classic()).body.expires_in).toBe(7200);
    expect(driver.simulator.calls().fetches).toBe(1);
  });

  it('answers 404 for what it does not know, and 400 for a fault that is not there', async () => {
    await start();
    expect((await driver.call('GET', '/__sim/nothing')).status).toBe(404);
    expect(await driver.call('DELETE', '/__sim/faults/fault-9')).toMatchObject({
      status: 400,
      body: { error: 'id: no fault fault-9' },
    });
  });

  it('takes no body beyond 1 MiB', async () => {
    await start();
    expect((await post({ errmsg: 'x'.repeat(4 * 1024 * 1024) })).status).toBe(413);
  });
});
