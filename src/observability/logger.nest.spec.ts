import { HttpException } from '@nestjs/common';
import { Redactor } from '../core/redaction/redactor.js';
import { createLogger, NestLogger } from './logger.js';

type Line = Readonly<Record<string, unknown>>;

function loggerOf(level: 'trace' | 'info' = 'trace') {
  const lines: Line[] = [];
  const logger = createLogger(level, new Redactor(), {
    write: (line) => lines.push(JSON.parse(line) as Line),
  });
  return { nest: new NestLogger(logger), lines };
}

const circular: Record<string, unknown> = { why: 'the wheel' };
circular.self = circular;
const withCause = new Error('outer', { cause: new TypeError('inner', { cause: 'the root' }) });

describe('the logger that Nest uses', () => {
  it.each([
    ['an Error', new RangeError('too deep'), { type: 'RangeError', message: 'too deep' }],
    ['an exception of Nest', new HttpException('no', 400), { type: 'HttpException', message: 'no' }],
    ['a string', 'only words', { message: 'only words' }],
    ['an object', { answer: 42 }, { message: '{ answer: 42 }' }],
    ['an object with a message', { message: 'like one', code: 7 }, { message: 'like one', code: 7 }],
    ['a circular object', circular, { message: expect.stringContaining("why: 'the wheel'") }],
    ['a BigInt', 10n, { message: '10n' }],
    ['null', null, { message: 'null' }],
    ['a symbol', Symbol('s'), { message: 'Symbol(s)' }],
    [
      'causes',
      withCause,
      { message: 'outer', cause: { type: 'TypeError', message: 'inner', cause: { message: 'the root' } } },
    ],
  ])('keeps the message of %s, wherever Nest passes it', (_, thrown, err) => {
    const { nest, lines } = loggerOf();
    nest.error('Request r-1 failed', thrown, 'ProblemFilter');
    expect(lines).toMatchObject([
      {
        level: 'error',
        event: 'request.failed',
        context: 'ProblemFilter',
        msg: 'Request r-1 failed',
        err,
      },
    ]);
    const alone = loggerOf();
    alone.nest.error(thrown, 'ExceptionsHandler');
    expect(alone.lines).toMatchObject([{ event: 'nest', context: 'ExceptionsHandler', msg: err.message }]);
  });

  it.each([
    ['as the message', [new Error('boom'), 'Nest']],
    ['as a detail', ['it failed', new Error('boom'), 'Nest']],
    ['as text', ['it failed', new Error('boom').stack, 'Nest']],
    ['as text without a context', ['it failed', new Error('boom').stack]],
  ])('keeps the stack that comes %s', (_, [message, ...rest]) => {
    const { nest, lines } = loggerOf();
    nest.error(message, ...rest);
    const { message: text, stack } = lines[0]?.err as { message: string; stack: string };
    expect(text).toContain('boom');
    expect(stack).toMatch(/^Error: boom\n\s+at .*logger\.nest\.spec\.ts/);
  });

  it('never shows what hangs on an error, and bounds what is long', () => {
    const { nest, lines } = loggerOf();
    const request = { headers: { authorization: 's3cret' } };
    nest.error(Object.assign(new Error('x'.repeat(100_000)), { request }), 'Nest');
    const line = JSON.stringify(lines);
    expect(line).not.toContain('s3cret');
    expect(line.length).toBeLessThan(20_000);
  });

  it('survives what cannot even be looked at', () => {
    const hostile = new Proxy(new Error('hidden'), {
      get: () => {
        throw new Error('hands off');
      },
    });
    const { nest, lines } = loggerOf();
    nest.error('Request r-1 failed', hostile, 'ProblemFilter');
    expect(lines).toHaveLength(1);
  });

  it('has a level for each of its methods, and Nest at its start is only worth debug', () => {
    const { nest, lines } = loggerOf();
    for (const method of ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] as const) nest[method](method);
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      ['trace', 'verbose'],
      ['debug', 'debug'],
      ['debug', 'log'],
      ['warn', 'warn'],
      ['error', 'error'],
      ['fatal', 'fatal'],
    ]);
    const quiet = loggerOf('info');
    quiet.nest.log('chatter', 'NestFactory');
    expect(quiet.lines).toEqual([]);
  });
});
