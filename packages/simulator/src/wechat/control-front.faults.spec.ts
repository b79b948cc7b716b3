import { SimulatorDriver } from '../../../../test/support/simulator-driver.js';
import { DEFAULT_APP, type SimulatorOptions } from './settings.js';

let driver: SimulatorDriver;
const start = async (options: SimulatorOptions = {}) => (driver = await SimulatorDriver.start(options));
const post = (body: unknown) => driver.call('POST', '/__sim/faults', body);
afterEach(() => driver.simulator.stop());

describe('POST /__sim/faults', () => {
  it('queues faults, lists them with their hits and forgets them', async () => {
    await start();
    const first = (await post({ errcode: -1 })).body.id;
    const second = (await post({ path: '*', delayAfterMs: 1.5, times: 0 })).body.id;
    await driver.classic();
    expect((await driver.call('GET', '/__sim/faults')).body.faults).toEqual([
      { id: first, hits: 1, errcode: -1 },
      { id: second, hits: 0, path: '*', delayAfterMs: 1.5, times: 0 },
    ]);
    await driver.call('DELETE', '/__sim/faults');
    expect((await driver.call('GET', '/__sim/faults')).body.faults).toEqual([]);
  });

  it('early_death kills the current tokens, of both families if none is named', async () => {
    await start();
    const [classic, stable] = [await driver.token(), await driver.token('stable')];
    const { tokens } = (await post({ kind: 'early_death', family: 'stable' })).body;
    expect(tokens).toMatchObject([{ token: stable, death: 'killed', died_at: driver.nowMs }]);
    expect([await driver.errcodeWith(classic), await driver.errcodeWith(stable)]).toEqual([undefined, 40001]);
    await post({ kind: 'early_death' });
    expect(await driver.errcodeWith(classic)).toBe(40001);
    expect((await post({ kind: 'early_death' })).body.error).toBe('token: none that lives');
  });

  it('early_death can name a token', async () => {
    await start();
    const [old, current] = [await driver.token(), await driver.token()];
    await post({ kind: 'early_death', token: old });
    expect([await driver.errcodeWith(old), await driver.errcodeWith(current)]).toEqual([40001, undefined]);
  });

  it('other_fetch rotates behind the back of the caller', async () => {
    await start();
    const own = await driver.token();
    const { tokens } = (await post({ kind: 'other_fetch' })).body;
    expect(tokens).toMatchObject([{ family: 'classic', issued_to: 'other', delivered: true }]);
    driver.passSeconds(300);
    expect(await driver.errcodeWith(own)).toBe(40001);
  });

  it('other_fetch of the stable family does harm only with force', async () => {
    await start();
    const own = await driver.token('stable');
    await post({ kind: 'other_fetch', family: 'stable' });
    expect(await driver.errcodeWith(own)).toBeUndefined();
    await post({ kind: 'other_fetch', family: 'stable', force: true });
    expect(await driver.errcodeWith(own)).toBe(40001);
  });

  it('other_fetch is refused beyond the quota', async () => {
    await start({ dayQuota: 0 });
    expect(await post({ kind: 'other_fetch' })).toMatchObject({
      status: 400,
      body: { error: 'kind: the platform refuses, errcode 45009' },
    });
  });

  it('reset_secret, set_ip_whitelist, set_state and advance_day do as the methods of their names', async () => {
    await start({ dayQuota: 1 });
    const appSecret = 'b'.repeat(32);
    await post({ kind: 'reset_secret', appSecret });
    expect((await driver.classic()).body.errcode).toBe(40125);
    await post({ kind: 'set_ip_whitelist', ips: ['10.0.0.1'] });
    expect((await driver.classic({ secret: appSecret })).body.errcode).toBe(40164);
    await post({ kind: 'set_state', state: 'secret_frozen', appId: DEFAULT_APP.appId });
    expect((await driver.classic({ secret: appSecret })).body.errcode).toBe(40243);
    await post({ kind: 'set_state', state: 'ok' });
    await post({ kind: 'set_ip_whitelist', ips: null });
    await driver.classic({ secret: appSecret });
    expect((await driver.classic({ secret: appSecret })).body.errcode).toBe(45009);
    await post({ kind: 'advance_day' });
    expect((await driver.classic({ secret: appSecret })).body.expires_in).toBe(7200);
  });

  it.each([
    [undefined, 'body: must be a JSON object'],
    [[], 'body: must be a JSON object'],
    [{ path: '*' }, /^body: names no fault; give one of delayBeforeMs, /],
    [{ errcode: -1, hang: true }, 'errcode, hang: give only one of them'],
    [{ errcode: '-1' }, /^errcode: must be a whole number/],
    [{ errmsg: 'x', hang: true }, 'errmsg: needs errcode'],
    [{ status: 99 }, 'status: must be a whole number from 200 to 599'],
    [{ delayBeforeMs: -1 }, /^delayBeforeMs: must be a number from 0/],
    [{ reset: true }, 'reset: must be before or after'],
    [{ hang: false }, 'hang: must be true'],
    [{ garbage: 'xml' }, /^garbage: must be html or/],
    [{ delayMs: 5 }, /^delayMs: unknown field; known are path, /],
    [{ times: 1.5, hang: true }, /^times: must be a whole number/],
    [{ kind: 'death' }, /^kind: must be one of early_death, /],
    [{ kind: 'early_death', famly: 'stable' }, /^famly: unknown field/],
    [{ kind: 'early_death', family: 'both' }, 'family: must be classic or stable'],
    [{ kind: 'other_fetch', appId: 'wx0' }, 'appId: no app wx0'],
    [{ kind: 'reset_secret' }, 'appSecret: is missing'],
    [{ kind: 'set_ip_whitelist', ips: ['localhost'] }, 'ips: must be a list of IP addresses, or null'],
    [{ kind: 'set_state', state: 'tired' }, /^state: must be ok or /],
  ])('refuses %j', async (body, error) => {
    await start();
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toEqual(typeof error === 'string' ? error : expect.stringMatching(error));
    expect(driver.simulator.faults.list()).toEqual([]);
  });
});
