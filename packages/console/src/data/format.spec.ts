import { en } from '../i18n/en.ts';
import { zh } from '../i18n/zh.ts';
import { duration, relative } from './format.ts';

describe('a duration', () => {
  it.each([
    [0, '0 s', '0 秒'],
    [59_400, '59 s', '59 秒'],
    [125_000, '2 min 5 s', '2 分 5 秒'],
    [3_540_000, '59 min', '59 分'],
    [6_720_000, '1 h 52 min', '1 小时 52 分'],
    [2 * 86_400_000, '2 d', '2 天'],
  ])('of %d ms is short in both languages', (ms, english, chinese) => {
    expect(duration(ms, en)).toBe(english);
    expect(duration(ms, zh)).toBe(chinese);
  });
});

it('a moment is told from now', () => {
  const now = Date.parse('2026-11-27T04:00:00Z');
  expect(relative('2026-11-27T03:59:00Z', now, en)).toBe('1 min ago');
  expect(relative('2026-11-27T04:01:00Z', now, zh)).toBe('1 分后');
  expect(relative('2026-11-27T04:00:00.400Z', now, en)).toBe('now');
});
