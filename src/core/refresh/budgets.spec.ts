import { dayOf, dayStart, nextDayAtMs } from './budgets.js';

const HOUR_MS = 3_600_000;

describe('the platform’s day', () => {
  it.each([
    [8, 16, '00:00 UTC+8'],
    [0, 0, '00:00 UTC'],
    [-8, 8, '00:00 UTC-8'],
    [5.5, 18.5, '00:00 UTC+5:30'],
  ])('begins %d h before 00:00 UTC', (offsetHours, beginsAtHour, text) => {
    const offsetMs = offsetHours * HOUR_MS;
    const beginMs = Date.UTC(2026, 10, 20) + beginsAtHour * HOUR_MS;
    expect(dayOf(beginMs, offsetMs) - dayOf(beginMs - 1, offsetMs)).toBe(1);
    expect(nextDayAtMs(beginMs - 1, offsetMs)).toBe(beginMs);
    expect(nextDayAtMs(beginMs, offsetMs)).toBe(beginMs + 24 * HOUR_MS);
    expect(dayStart(offsetMs)).toBe(text);
  });

  it('has the number that version 0.1 stored, where it begins at 00:00 UTC+8', () => {
    expect(dayOf(Date.UTC(2026, 10, 20, 15, 59), 8 * HOUR_MS)).toBe(20_777);
    expect(dayOf(Date.UTC(2026, 10, 20, 16), 8 * HOUR_MS)).toBe(20_778);
  });
});
