import { ControlInputError } from '../input-checks.js';
import type { SimulatorOptions } from './settings.js';
import { WechatSimulator } from './wechat-simulator.js';

describe('WechatSimulator', () => {
  it('starts, stops and starts again; its world stays', async () => {
    const simulator = new WechatSimulator();
    const { url } = await simulator.start();
    expect(simulator.url).toBe(url);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const { token } = simulator.rotateByOther();
    await simulator.stop();
    await simulator.stop();
    expect(() => simulator.url).toThrow('not running');
    await expect(fetch(url)).rejects.toThrow();
    await simulator.start();
    const response = await fetch(`${simulator.url}/cgi-bin/getcallbackip?access_token=${token}`);
    expect(await response.json()).toHaveProperty('ip_list');
    await simulator.stop();
  });

  it('cannot start twice, nor on a port that is taken', async () => {
    const [first, second] = [new WechatSimulator(), new WechatSimulator()];
    const { url } = await first.start();
    await expect(first.start()).rejects.toThrow('running already');
    await expect(second.start(Number(new URL(url).port))).rejects.toThrow('EADDRINUSE');
    await first.stop();
    await second.stop();
  });

  it('tells the time by the wall clock', () => {
    const { issued_at } = new WechatSimulator().rotateByOther();
    expect(Number.isInteger(issued_at)).toBe(true);
    expect(Math.abs(issued_at - Date.now())).toBeLessThan(1000);
  });

  it.each<[SimulatorOptions, string]>([
    [{ expiresInSeconds: 0.5 }, 'expiresInSeconds: must be a number, at least 1'],
    [{ graceSeconds: -1 }, 'graceSeconds: must be a number, at least 0'],
    [{ expiresInSeconds: 10, graceSeconds: 10 }, 'graceSeconds: must be shorter than expiresInSeconds'],
    [{ dayQuota: Number.NaN }, 'dayQuota: must be a number, at least 0'],
    [{ ipWhitelist: ['here'] }, 'ipWhitelist: must be a list of IP addresses, or null'],
    [{ apps: [] }, 'apps: must name at least one app'],
  ])('refuses %j', (options, message) => {
    expect(() => new WechatSimulator(options)).toThrow(new ControlInputError(message));
  });
});
