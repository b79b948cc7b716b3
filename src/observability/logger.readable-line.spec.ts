import { Redactor } from '../core/redaction/redactor.js';
import { createLogger, readableLine } from './logger.js';

const TIME = '2026-11-21T02:03:04.567Z';
const readable = (fields: object): string => readableLine(`${JSON.stringify(fields)}\n`);

describe('a line for a terminal', () => {
  it('has time, level and message first, then the other fields that have a value', () => {
    const line = readable({
      level: 'info',
      time: TIME,
      event: 'token.rotated',
      app: 'shop',
      generation: 7,
      errcode: null,
      reasons: [{ apps: 1 }],
      msg: 'new token',
    });
    expect(line).toBe('02:03:04 INFO  new token  app=shop  generation=7  reasons=[{"apps":1}]\n');
  });

  it('shows the event where there is no message', () => {
    expect(readable({ level: 'error', time: TIME, event: 'token.read' })).toBe('02:03:04 ERROR token.read\n');
  });

  it('shows the stack of an error below', () => {
    const err = { type: 'Error', message: 'gone', stack: 'Error: gone\n    at there' };
    expect(readable({ level: 'warn', time: TIME, err, msg: 'no store' })).toBe(
      '02:03:04 WARN  no store\nError: gone\n    at there\n',
    );
    expect(readable({ level: 'warn', time: TIME, err: { message: 'gone' }, msg: 'no store' })).toBe(
      '02:03:04 WARN  no store\n',
    );
  });

  it.each(['not JSON\n', '{"level":\n', '[1]\n', '7\n', 'null\n', '"text"\n'])(
    'stays as it is when it is no object: %j',
    (line) => {
      expect(readableLine(line)).toBe(line);
    },
  );

  it('is written on a terminal only, without the secrets that the JSON line would not show either', () => {
    const redactor = new Redactor();
    redactor.add('a-very-secret-value');
    const written = { true: '', false: '' };
    for (const isTTY of [true, false]) {
      const write = (line: string) => (written[`${isTTY}`] += line);
      createLogger('info', redactor, { isTTY, write }).info({ app: 'shop' }, 'holds a-very-secret-value');
    }
    expect(written.true).toMatch(/^\d\d:\d\d:\d\d INFO {2}holds .* {2}app=shop\n$/);
    expect(JSON.parse(written.false)).toMatchObject({ level: 'info', app: 'shop' });
    expect(written.true + written.false).not.toContain('a-very-secret-value');
  });
});
