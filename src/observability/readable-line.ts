import { isObject, parseJsonObject } from '../core/json-object.js';

/** Turns one JSON log line into one for a person at a terminal. What is not JSON stays as it is. */
export function readableLine(line: string): string {
  const fields = parseJsonObject(line);
  if (!fields) return line;
  const { time, level, event, msg, err, ...rest } = fields;
  const clock = typeof time === 'string' ? time.slice(11, 19) : '';
  const details = Object.entries(rest)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const head = [clock, String(level).toUpperCase().padEnd(5), msg ?? event].filter(Boolean).join(' ');
  const stack = isObject(err) && typeof err.stack === 'string' ? `\n${err.stack}` : '';
  return `${[head, ...details].join('  ')}${stack}\n`;
}
