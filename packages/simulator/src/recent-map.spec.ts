import { RecentMap } from './recent-map.js';

describe('RecentMap', () => {
  it('forgets the oldest beyond 100,000 entries', () => {
    const map = new RecentMap<number>();
    for (let i = 0; i <= 100_000; i++) map.set(String(i), i);
    expect(map.size).toBe(100_000);
    expect([map.has('0'), map.get('1'), map.get('100000')]).toEqual([false, 1, 100_000]);
  });
});
