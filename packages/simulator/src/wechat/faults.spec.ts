import { classicPath, SimulatorDriver } from '../../../../test/support/simulator-driver.js';
import type { FaultSpec } from '../fault-spec.js';
import { DEFAULT_APP, type SimulatorOptions } from './settings.js';

let driver: SimulatorDriver;
const start = async (options: SimulatorOptions = {}) => (driver = await SimulatorDriver.start(options));
const addFault = (spec: FaultSpec) => driver.simulator.addFault(spec);
const minted = () => driver.simulator.calls().minted;
afterEach(() => driver.simulator.stop());

/** The connection ends with this code instead of an answer. */
function expectBroken(call: Promise<unknown>, code: 'ECONNRESET' | 'UND_ERR_SOCKET'): Promise<void> {
  return expect(call).rejects.toHaveProperty('cause.code', code);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a fault in the answer', () => {
  it('errcode: in the words of the platform, with a rid, and nothing minted', async () => {
    await start();
    addFault({ errcode: -1 });
    const { status, body } = await driver.classic();
    expect(status).toBe(200);
    expect(body.errcode).toBe(-1);
    expect(body.errmsg).toMatch(/^system error rid: [\da-f-]{26}$/);
    expect(minted()).toBe(0);
    expect((await driver.classic()).body.expires_in).toBe(7200);
  });

  it('errcode: in words of its own, also on business calls', async () => {
    await start();
    const token = await driver.token();
    addFault({ path: '/cgi-bin/get_api_domain_ip', errcode: 40014, errmsg: 'no' });
    const { body } = await driver.call('GET', `/cgi-bin/get_api_domain_ip?access_token=${token}`);
    expect(body.errmsg).toMatch(/^no rid: /);
    expect(body.errcode).toBe(40014);
  });

  it('status: a page of a gateway', async () => {
    await start();
    addFault({ status: 502 });
    const { status, type, text } = await driver.classic();
    expect({ status, type }).toEqual({ status: 502, type: 'text/html' });
    expect(text).toContain('502 Bad Gateway');
    expect(minted()).toBe(0);
  });

  it('status: with the token minted behind the gateway', async () => {
    await start();
    addFault({ status: 504, mint: true });
    expect((await driver.classic()).status).toBe(504);
    expect(minted()).toBe(1);
  });

  it('truncate: half the JSON, properly ended, of a token that was minted', async () => {
    await start();
    addFault({ truncate: true });
    const { text } = await driver.classic();
    const [token] = driver.simulator.tokens();
    expect(`{"access_token":"${token?.token ?? ''}`.startsWith(text)).toBe(true);
    expect(text.length).toBeGreaterThan(50);
    expect(token?.delivered).toBe(false);
  });

  it.each([
    ['html', /^<html>/],
    ['empty', /^$/],
    ['array', /^\[\{"access_token":.*\}\]$/],
    ['huge', /^\{"access_token":.*\} {131072}$/],
  ] as const)('garbage: %s', async (garbage, text) => {
    await start();
    addFault({ garbage });
    const answer = await driver.classic();
    expect(answer.status).toBe(200);
    expect(answer.text).toMatch(text);
    expect(minted()).toBe(1);
  });

  it.each([{ access_token: 'x', expires_in: 0 }, null, 'text'])('body: %j as it is', async (body) => {
    await start();
    addFault({ body });
    expect((await driver.classic()).text).toBe(JSON.stringify(body));
  });
});

describe('a fault of the connection', () => {
  it('dropReply: closed after the token was minted', async () => {
    await start();
    const first = await driver.token();
    addFault({ dropReply: true });
    await expectBroken(driver.classic(), 'UND_ERR_SOCKET');
    const [, lost] = driver.simulator.tokens();
    expect(lost).toMatchObject({ delivered: false, issued_to: 'caller', death: null });
    await driver.token();
    expect(await driver.errcodeWith(first)).toBe(40001);
    expect(driver.simulator.tokens().map(({ delivered }) => delivered)).toEqual([true, false, true]);
  });

  it.each([
    ['before', 0],
    ['after', 1],
  ] as const)('reset: %s the platform has acted', async (reset, tokens) => {
    await start();
    addFault({ reset });
    await expectBroken(driver.classic(), 'ECONNRESET');
    expect(minted()).toBe(tokens);
  });

  it('hang: no answer and nothing minted, until the caller gives up or the simulator stops', async () => {
    await start();
    addFault({ hang: true, times: 2 });
    const impatient = new AbortController();
    const given = driver.request('GET', classicPath(), undefined, impatient.signal);
    const stopped = expectBroken(driver.classic(), 'UND_ERR_SOCKET');
    await until(() => driver.simulator.calls().log.filter(({ outcome }) => outcome === 'hang').length === 2);
    impatient.abort();
    await expect(given).rejects.toThrow('aborted');
    expect(minted()).toBe(0);
    await driver.simulator.stop();
    await stopped;
  });
});

describe('a delay', () => {
  it('before: the platform acts late, although the caller has hung up', async () => {
    await start();
    const first = await driver.token();
    const id = addFault({ delayBeforeMs: 200 });
    const impatient = new AbortController();
    const call = driver.request('GET', classicPath(), undefined, impatient.signal);
    await until(() => driver.simulator.faults.list().some((fault) => fault.id === id && fault.hits === 1));
    impatient.abort();
    await expect(call).rejects.toThrow('aborted');
    const second = await driver.token();
    await until(() => minted() === 3);
    expect(driver.simulator.tokens()[2]).toMatchObject({ delivered: false, issued_to: 'caller' });
    expect([await driver.errcodeWith(first), await driver.errcodeWith(second)]).toEqual([40001, undefined]);
  });

  it('after: the platform acts at once and answers late', async () => {
    await start();
    addFault({ delayAfterMs: 100 });
    const call = driver.classic();
    await until(() => minted() === 1);
    expect(driver.simulator.tokens()[0]?.delivered).toBe(false);
    const { body } = await call;
    expect(driver.simulator.tokens()[0]).toMatchObject({ token: body.access_token, delivered: true });
  });

  it('goes with an effect', async () => {
    await start();
    addFault({ delayAfterMs: 20, dropReply: true });
    const call = expectBroken(driver.classic(), 'UND_ERR_SOCKET');
    await until(() => minted() === 1);
    await call;
  });

  it('hold: until the fault is removed', async () => {
    await start();
    const id = addFault({ holdUntilReleased: true });
    const held = driver.classic();
    await until(() => driver.simulator.calls().log.length === 1);
    const { body: second } = await driver.classic();
    expect(minted()).toBe(1);
    await driver.call('DELETE', `/__sim/faults/${id}`);
    const { body: first } = await held;
    expect(driver.simulator.tokens().map(({ token }) => token)).toEqual([
      second.access_token,
      first.access_token,
    ]);
  });

  it('keeps nobody from stopping the simulator', async () => {
    await start();
    addFault({ delayBeforeMs: 3_600_000 });
    addFault({ holdUntilReleased: true });
    const calls = [
      expectBroken(driver.classic(), 'UND_ERR_SOCKET'),
      expectBroken(driver.classic(), 'UND_ERR_SOCKET'),
    ];
    await until(() => driver.simulator.calls().log.length === 2);
    await driver.simulator.stop();
    await Promise.all(calls);
    expect(minted()).toBe(0);
  });
});

describe('which request a fault hits', () => {
  it('is by default the next one at a token endpoint; the first fault comes first', async () => {
    await start();
    const token = await driver.token();
    addFault({ errcode: 1 });
    addFault({ errcode: 2, times: 2 });
    expect(await driver.errcodeWith(token)).toBeUndefined();
    const errcodes: unknown[] = [];
    for (let call = 0; call < 4; call++) {
      const { body } = call % 2 === 0 ? await driver.classic() : await driver.stable();
      errcodes.push(body.errcode);
    }
    expect(errcodes).toEqual([1, 2, 2, undefined]);
  });

  it.each([0, -1])('is every one with times %d, until it is cleared', async (times) => {
    await start();
    addFault({ errcode: -1, times });
    for (let call = 0; call < 3; call++) expect((await driver.classic()).body.errcode).toBe(-1);
    driver.simulator.clearFaults();
    expect((await driver.classic()).body.expires_in).toBe(7200);
  });

  it('is one to its path only', async () => {
    await start();
    addFault({ path: '/cgi-bin/stable_token', errcode: -1 });
    expect((await driver.classic()).body.expires_in).toBe(7200);
    expect((await driver.stable()).body.errcode).toBe(-1);
  });

  it('is any with path *, but never one to the control API', async () => {
    await start();
    const token = await driver.token();
    addFault({ path: '*', errcode: -1 });
    expect((await driver.call('GET', '/__sim/calls')).status).toBe(200);
    expect(await driver.errcodeWith(token)).toBe(-1);
  });

  it('is one of its app only, by query, body or token', async () => {
    const other = { appId: 'wx00000000000000aa', appSecret: 'a'.repeat(32) };
    await start({ apps: [DEFAULT_APP, other] });
    const token = await driver.token();
    addFault({ path: '*', appId: DEFAULT_APP.appId, errcode: -1, times: 3 });
    const others = { appid: other.appId, secret: other.appSecret };
    expect((await driver.classic(others)).body.expires_in).toBe(7200);
    expect((await driver.stable(others)).body.expires_in).toBe(7200);
    expect((await driver.classic()).body.errcode).toBe(-1);
    expect((await driver.stable()).body.errcode).toBe(-1);
    expect(await driver.errcodeWith(token)).toBe(-1);
  });
});
