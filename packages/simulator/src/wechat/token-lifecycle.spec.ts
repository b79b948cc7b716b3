import { SimulatorDriver } from '../../../../test/support/simulator-driver.js';
import type { SimulatorOptions } from './settings.js';

let driver: SimulatorDriver;
const start = async (options: SimulatorOptions = {}) => (driver = await SimulatorDriver.start(options));
afterEach(() => driver.simulator.stop());

describe('classic tokens', () => {
  it('are new at every fetch; the one before lives 300 s more', async () => {
    await start();
    const first = await driver.token();
    const second = await driver.token();
    expect(second).not.toBe(first);
    driver.passSeconds(299.999);
    expect(await driver.errcodeWith(first)).toBeUndefined();
    driver.passSeconds(0.001);
    expect(await driver.errcodeWith(first)).toBe(40001);
    expect(await driver.errcodeWith(second)).toBeUndefined();
  });

  it('overlap no longer than the old one would have lived', async () => {
    await start();
    const first = await driver.token();
    driver.passSeconds(7200 - 100);
    await driver.token();
    driver.passSeconds(99.999);
    expect(await driver.errcodeWith(first)).toBeUndefined();
    driver.passSeconds(0.001);
    expect(await driver.errcodeWith(first)).toBe(42001);
  });

  it('die at once when two later ones have been fetched', async () => {
    await start();
    const [first, second, third] = [await driver.token(), await driver.token(), await driver.token()];
    expect(await Promise.all([first, second, third].map((token) => driver.errcodeWith(token)))).toEqual([
      40001,
      undefined,
      undefined,
    ]);
  });

  it('expire after their life', async () => {
    await start();
    const token = await driver.token();
    driver.passSeconds(7199.999);
    expect(await driver.errcodeWith(token)).toBeUndefined();
    driver.passSeconds(0.001);
    expect(await driver.errcodeWith(token)).toBe(42001);
  });

  it('stay 40001 when they were overwritten before they would have expired', async () => {
    await start();
    const token = await driver.token();
    await driver.token();
    driver.passSeconds(7300);
    expect(await driver.errcodeWith(token)).toBe(40001);
  });

  it('scale, and with them the overlap', async () => {
    await start({ expiresInSeconds: 24 });
    const first = await driver.token();
    await driver.token();
    driver.passSeconds(0.999);
    expect(await driver.errcodeWith(first)).toBeUndefined();
    driver.passSeconds(0.001);
    expect(await driver.errcodeWith(first)).toBe(40001);
  });

  it('slip through at every second call past a flaky overlap, until they would have expired', async () => {
    await start({ flakyOverlap: true });
    const token = await driver.token();
    await driver.token();
    driver.passSeconds(300);
    const errcodes: unknown[] = [];
    for (let call = 0; call < 4; call++) errcodes.push(await driver.errcodeWith(token));
    expect(errcodes).toEqual([40001, undefined, 40001, undefined]);
    driver.passSeconds(6900);
    expect([await driver.errcodeWith(token), await driver.errcodeWith(token)]).toEqual([40001, 40001]);
  });
});

describe('the stable token', () => {
  it('is the same with its remaining life, down to the last 300 s', async () => {
    await start();
    const token = await driver.token('stable');
    driver.passSeconds(6899.5);
    expect((await driver.stable()).body).toEqual({ access_token: token, expires_in: 300 });
    driver.passSeconds(0.5);
    const { body } = await driver.stable();
    expect(body.access_token).not.toBe(token);
    expect(body.expires_in).toBe(7200);
    expect((await driver.stable()).body).toEqual(body);
  });

  it('lives to its own end next to its successor', async () => {
    await start();
    const old = await driver.token('stable');
    driver.passSeconds(6900);
    await driver.token('stable');
    driver.passSeconds(299.999);
    expect(await driver.errcodeWith(old)).toBeUndefined();
    driver.passSeconds(0.001);
    expect(await driver.errcodeWith(old)).toBe(42001);
  });

  it('never comes with less than a whole second, however short the grace', async () => {
    await start({ expiresInSeconds: 5, graceSeconds: 0 });
    const token = await driver.token('stable');
    driver.passSeconds(4);
    expect((await driver.stable()).body).toEqual({ access_token: token, expires_in: 1 });
    driver.passSeconds(0.001);
    expect((await driver.stable()).body.expires_in).toBe(5);
  });

  it('and classic ones leave each other alone', async () => {
    await start();
    const stable = await driver.token('stable');
    const classic = await driver.token();
    await driver.token('stable', { force_refresh: true });
    expect(await driver.errcodeWith(classic)).toBeUndefined();
    await driver.token();
    await driver.token();
    expect(await driver.errcodeWith(stable)).toBe(40001);
    expect(await driver.errcodeWith(await driver.token('stable'))).toBeUndefined();
  });

  it('is replaced by the next ordinary call when it was killed', async () => {
    await start();
    const token = await driver.token('stable');
    driver.simulator.killToken({ family: 'stable' });
    expect(await driver.errcodeWith(token)).toBe(40001);
    const next = await driver.stable();
    expect(next.body.access_token).not.toBe(token);
    expect(next.body.expires_in).toBe(7200);
  });

  it('goes on being handed out dead when its death is sticky, until forced', async () => {
    await start();
    const token = await driver.token('stable');
    driver.simulator.killToken({ family: 'stable', sticky: true });
    driver.passSeconds(60);
    expect((await driver.stable()).body).toEqual({ access_token: token, expires_in: 7140 });
    expect(await driver.errcodeWith(token)).toBe(40001);
    const next = await driver.token('stable', { force_refresh: true });
    expect(await driver.errcodeWith(next)).toBeUndefined();
    expect(await driver.token('stable')).toBe(next);
  });
});

describe('a forced refresh', () => {
  const forced = () => driver.token('stable', { force_refresh: true });

  it('gives a new token and kills every stable one that lives', async () => {
    await start();
    const oldest = await driver.token('stable');
    driver.passSeconds(6900);
    const old = await driver.token('stable');
    const next = await forced();
    expect(await Promise.all([oldest, old, next].map((token) => driver.errcodeWith(token)))).toEqual([
      40001,
      40001,
      undefined,
    ]);
  });

  it('can leave the old token a grace', async () => {
    await start({ stableForceGraceSeconds: 300 });
    const old = await driver.token('stable');
    await forced();
    driver.passSeconds(299.999);
    expect(await driver.errcodeWith(old)).toBeUndefined();
    driver.passSeconds(0.001);
    expect(await driver.errcodeWith(old)).toBe(40001);
  });

  it('within 30 s of the last one is an ordinary call', async () => {
    await start();
    const first = await forced();
    driver.passSeconds(29.999);
    expect(await forced()).toBe(first);
    driver.passSeconds(0.001);
    expect(await forced()).not.toBe(first);
  });

  it('within 30 s of the last one can be an error', async () => {
    await start({ forceTooSoon: 'error' });
    await forced();
    expect((await driver.stable({ force_refresh: true })).body.errcode).toBe(45011);
  });

  it('is refused after 20 in a day of UTC+8; ordinary calls are not', async () => {
    await start();
    let last = '';
    for (let count = 0; count < 20; count++) {
      last = await forced();
      driver.passSeconds(30);
    }
    const { body } = await driver.stable({ force_refresh: true });
    expect(body.errmsg).toMatch(/^reach max api daily quota limit rid: /);
    expect(await driver.token('stable')).toBe(last);
    driver.nowMs = Date.parse('2026-11-21T16:00:00Z');
    expect(await forced()).not.toBe(last);
  });

  it('needs a true boolean', async () => {
    await start();
    const token = await driver.token('stable');
    expect(await driver.token('stable', { force_refresh: 'true' })).toBe(token);
  });
});
