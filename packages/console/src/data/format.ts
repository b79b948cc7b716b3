import type { Messages } from '../i18n/en.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** At most two units: "1 h 52 min". */
export function duration(ms: number, { unit }: Messages): string {
  const s = Math.max(0, Math.round(ms / 1000));
  const two = (large: string, rest: number, small: (n: number) => string) =>
    rest === 0 ? large : large + unit.gap + small(rest);
  if (s < MINUTE) return unit.s(s);
  if (s < 10 * MINUTE) return two(unit.min(Math.floor(s / MINUTE)), s % MINUTE, unit.s);
  if (s < HOUR) return unit.min(Math.floor(s / MINUTE));
  if (s < DAY) return two(unit.h(Math.floor(s / HOUR)), Math.floor((s % HOUR) / MINUTE), unit.min);
  return two(unit.d(Math.floor(s / DAY)), Math.floor((s % DAY) / HOUR), unit.h);
}

/** Less than a second exactly, more in words. */
export function shortDuration(ms: number, messages: Messages): string {
  return ms < 1000 ? messages.unit.ms(Math.round(ms)) : duration(ms, messages);
}

/** "5 min ago", or "in 5 min". */
export function relative(at: string, nowMs: number, messages: Messages): string {
  const ms = Date.parse(at) - nowMs;
  if (Math.abs(ms) < 1000) return messages.now;
  return ms < 0 ? messages.ago(duration(-ms, messages)) : messages.in(duration(ms, messages));
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(locale, options)));
  return found;
}

/** In this browser's time zone; with the day unless that is today. */
export function clock(at: string | number, nowMs: number, { locale }: Messages): string {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date(nowMs).toDateString();
  return format(locale, {
    ...(!isToday && { month: 'short', day: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).format(date);
}

export const number = (n: number, { locale }: Messages): string => n.toLocaleString(locale);
