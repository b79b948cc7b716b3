import { BadKeys } from './bad-keys.js';
import { sourceOf } from './connection-limits.js';

describe('BadKeys', () => {
  it('lets each address send as many wrong keys a minute as it is told', () => {
    const badKeys = new BadKeys(60);
    for (let i = 0; i < 60; i += 1) expect(badKeys.failed('192.0.2.1', 0)).toBe(0);
    expect(badKeys.failed('192.0.2.1', 0)).toBe(1000);
    expect(badKeys.failed('192.0.2.2', 0)).toBe(0);
    expect(badKeys.failed('192.0.2.1', 1000)).toBe(0);
  });

  it('counts an IPv6 network of 64 bits as one address', () => {
    const badKeys = new BadKeys(1);
    expect(badKeys.failed('2001:db8:1:2::1', 0)).toBe(0);
    expect(badKeys.failed('2001:DB8:0001:2:9:8:7:6', 0)).toBeGreaterThan(0);
    expect(badKeys.failed('2001:db8:1:3::1', 0)).toBe(0);
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1:2:3:4', 'fe80:0:0:0::/64'],
    ['2001:db8:a:b:c:d:e:f', '2001:db8:a:b::/64'],
    ['unknown', 'unknown'],
  ])('%s counts as %s', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });

  it('remembers 10,000 addresses at most, and forgets those that were seen longest ago', () => {
    const badKeys = new BadKeys(1);
    for (let i = 0; i < 10_001; i += 1) badKeys.failed(`10.0.${String(i >> 8)}.${String(i & 255)}`, 0);
    expect(badKeys.failed('10.0.39.16', 0)).toBeGreaterThan(0);
    expect(badKeys.failed('10.0.0.0', 0)).toBe(0);
  });
});
