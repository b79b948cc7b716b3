import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { requestContext } from '../core/ports/events.js';
import { Redactor } from '../core/redaction/redactor.js';
import { createLogger } from './logger.js';
import { WatchedExporter } from './tracing.js';

type Done = Parameters<SpanExporter['export']>[1];
type Result = Parameters<Done>[0];

/** Its enum is of a package that this one does not name. */
const resultOf = (result: { code: unknown; error?: Error }): Result => result as Result;
const TAKEN = resultOf({ code: 0 });
const REFUSED = resultOf({ code: 1, error: new Error('connect ECONNREFUSED 192.0.2.1:4318') });

/** Gives the result that it is told to give. */
class ToldExporter implements SpanExporter {
  result = TAKEN;
  shutdowns = 0;

  export(_: ReadableSpan[], done: Done): void {
    done(this.result);
  }

  shutdown(): Promise<void> {
    this.shutdowns += 1;
    return Promise.resolve();
  }
}

function fixture() {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger('info', new Redactor(), {
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const told = new ToldExporter();
  const watched = new WatchedExporter(told, logger);
  const results: Result[] = [];
  const send = (result: Result): void => {
    told.result = result;
    watched.export([], (done) => results.push(done));
  };
  return { told, watched, lines, results, send };
}

describe('a watched exporter', () => {
  it('is silent as long as the collector takes spans', () => {
    const { lines, results, send } = fixture();
    send(TAKEN);
    send(TAKEN);
    expect(lines).toEqual([]);
    expect(results).toEqual([TAKEN, TAKEN]);
  });

  it('says once that the collector fails, and once that it does not any more, every time', () => {
    const { lines, results, send } = fixture();
    const sent = [REFUSED, REFUSED, TAKEN, TAKEN, REFUSED];
    for (const result of sent) send(result);
    expect(lines.map(({ level, event }) => [level, event])).toEqual([
      ['warn', 'tracing.unavailable'],
      ['info', 'tracing.available'],
      ['warn', 'tracing.unavailable'],
    ]);
    expect(lines[0]?.err).toMatchObject({ message: 'connect ECONNREFUSED 192.0.2.1:4318' });
    expect(results).toEqual(sent);
  });

  it('names no request, though one was under way when the collector failed', () => {
    const { lines, send } = fixture();
    requestContext.run({ requestId: 'r-1', trace: null }, () => {
      send(REFUSED);
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toHaveProperty('request_id');
  });

  it('ends what it watches', async () => {
    const { told, watched } = fixture();
    await watched.shutdown();
    expect(told.shutdowns).toBe(1);
  });
});
