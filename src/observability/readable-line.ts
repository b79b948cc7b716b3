/** Turns one JSON log line into one for a person at a terminal. What is not JSON stays as it is. */
export function readableLine(line: string): string {
  const fields = parse(line);
  if (!fields) return line;
  const { time, level, event, msg, err, ...rest } = fields;
  const clock = typeof time === 'string' ? time.slice(11, 19) : '';
  const details = Object.entries(rest)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const head = [clock, String(level).toUpperCase().padEnd(5), msg ?? event].filter(Boolean).join(' ');
  const stack = isRecord(err) && typeof err.stack === 'string' ? `\n${err.stack}` : '';
  return `${[head, ...details].join('  ')}${stack}\n`;
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const fields: unknown = JSON.parse(line);
    return isRecord(fields) ? fields : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
