import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { ManualClock } from '../../test/support/manual-clock.js';
import { OtlpReceiver } from '../../test/support/otlp-receiver.js';
import { requestContext, type BrokerEvent } from '../core/ports/events.js';
import { Redactor } from '../core/redaction/redactor.js';
import { createLogger } from './logger.js';
import { Tracing } from './tracing.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE}-${SPAN}-01`;
const UNSAMPLED = `00-${TRACE}-${SPAN}-00`;
const [SERVER, INTERNAL, CLIENT] = [2, 1, 3];

const FETCHED = {
  app: 'shop',
  kind: 'fetch_ended',
  reason: 'report',
  outcome: 'refused',
  durationMs: 250,
  errcode: 40125,
  message: 'invalid appsecret',
  remedy: 'Mend it.',
  retryInMs: 1000,
} satisfies BrokerEvent;
const PROBED = { app: 'shop', kind: 'probed', outcome: 'rejected', durationMs: 30 } satisfies BrokerEvent;
const REPORTED = {
  app: 'shop',
  kind: 'reported',
  result: 'rotated',
  errcode: 40001,
  caller: 'orders',
  generation: 7,
  fingerprint: '0123abcd',
  durationMs: 300,
} satisfies BrokerEvent;

async function fixture(sampleRatio: number) {
  const receiver = await OtlpReceiver.start();
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger('info', new Redactor(), {
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const { endpoint } = receiver;
  const headers = { authorization: 'Bearer collector' };
  const tracing = new Tracing({ endpoint, headers, sampleRatio, replica: 'replica-1' }, clock, logger);
  return { receiver, clock, lines, tracing };
}

function requestWith(traceparent?: string): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  if (traceparent !== undefined) request.headers.traceparent = traceparent;
  return request;
}

const known = (): boolean => true;
const unknown = (): boolean => false;

describe('tracing', () => {
  it('follows the decision of a caller that is known, and only of such a one', async () => {
    const none = await fixture(0);
    const all = await fixture(1);
    const decisions = [none, all].map(({ tracing }) =>
      [
        tracing.begin(requestWith(SAMPLED), known),
        tracing.begin(requestWith(SAMPLED), unknown),
        tracing.begin(requestWith(UNSAMPLED), known),
        tracing.begin(requestWith(UNSAMPLED), unknown),
        tracing.begin(requestWith(), known),
      ].map((traced) => traced !== null),
    );
    expect(decisions).toEqual([
      [true, false, false, false, false],
      [true, true, false, true, true],
    ]);
  });

  it('asks whether the caller is known only when that one wants something', async () => {
    const { tracing } = await fixture(1);
    tracing.begin(requestWith(), () => {
      throw new Error('asked');
    });
  });

  it('picks as many of the others as configured', async () => {
    const { tracing, clock } = await fixture(0.25);
    const isPickedAt = (chance: number): boolean => {
      clock.chance = chance;
      return tracing.begin(requestWith(), known) !== null;
    };
    expect([0, 0.24, 0.25, 0.99].map(isPickedAt)).toEqual([true, true, false, false]);
  });

  it('decides once for each request', async () => {
    const { tracing, clock } = await fixture(0.5);
    const [early, late] = [requestWith(), requestWith()];
    expect(tracing.of(early)).toBeNull();
    clock.chance = 0;
    const begun = tracing.begin(early, known);
    clock.chance = 0.9;
    expect(begun).not.toBeNull();
    expect(tracing.begin(early, known)).toBe(begun);
    expect(tracing.of(early)).toBe(begun);
    expect(tracing.begin(late, known)).toBeNull();
    clock.chance = 0;
    expect(tracing.begin(late, known)).toBeNull();
  });

  it('sends the request as a child of its caller, with route, method and status', async () => {
    const { tracing, receiver } = await fixture(0);
    for (const status of [200, 404, 500]) {
      tracing.begin(requestWith(SAMPLED), known)?.end('/token', 'GET', status);
    }
    await tracing.close();
    const { spans } = receiver;
    expect(spans.map(({ isError }) => isError)).toEqual([false, false, true]);
    expect(spans[0]).toMatchObject({ name: 'GET /token', kind: SERVER, traceId: TRACE, parentSpanId: SPAN });
    expect(spans.map(({ attributes }) => attributes)).toEqual(
      [200, 404, 500].map((status) => ({
        'http.request.method': 'GET',
        'http.route': '/token',
        'http.response.status_code': status,
      })),
    );
    expect(receiver.headers[0]?.authorization).toBe('Bearer collector');
    expect(receiver.bodies[0]).toContain('"replica-1"');
  });

  it('sends what a request causes as its children, which end now and have no secret or message', async () => {
    const { tracing, receiver, clock } = await fixture(0);
    const trace = tracing.begin(requestWith(SAMPLED), known);
    requestContext.run({ requestId: 'r-1', trace }, () => {
      for (const event of [FETCHED, PROBED, REPORTED]) tracing.emit(event);
    });
    trace?.end('/token/refresh', 'POST', 200);
    await tracing.close();
    const server = receiver.spans.find(({ kind }) => kind === SERVER);
    const of = (
      { durationMs }: { durationMs: number },
      span: { name: string; kind: number; isError: boolean },
      attributes: object,
    ): unknown =>
      expect.objectContaining({
        ...span,
        traceId: TRACE,
        parentSpanId: server?.spanId,
        durationMs,
        endMs: clock.wallMs(),
        attributes: { 'tokenbroker.app': 'shop', ...attributes },
      });
    expect(receiver.spans.filter((span) => span !== server && span.kind !== SERVER)).toEqual([
      of(
        FETCHED,
        { name: 'token.fetch', kind: CLIENT, isError: true },
        {
          'tokenbroker.reason': 'report',
          'tokenbroker.outcome': 'refused',
          'tokenbroker.errcode': 40125,
        },
      ),
      of(
        PROBED,
        { name: 'token.probe', kind: CLIENT, isError: false },
        { 'tokenbroker.outcome': 'rejected' },
      ),
      of(
        REPORTED,
        { name: 'token.report', kind: INTERNAL, isError: false },
        { 'tokenbroker.outcome': 'rotated', 'tokenbroker.errcode': 40001 },
      ),
    ]);
  });

  it('takes a fetch for good that brought a token, and a probe for bad that had no answer', async () => {
    const { tracing, receiver } = await fixture(1);
    tracing.emit({ ...FETCHED, outcome: 'issued', errcode: null });
    tracing.emit({ ...PROBED, outcome: 'no_answer' });
    await tracing.close();
    expect(receiver.spans.map(({ name, isError }) => [name, isError])).toEqual([
      ['token.fetch', false],
      ['token.probe', true],
    ]);
    expect(receiver.spans[0]?.attributes).not.toHaveProperty('tokenbroker.errcode');
  });

  it('leaves out what a request that is not traced causes, and picks of what no request causes', async () => {
    const { tracing, receiver, clock } = await fixture(0.5);
    clock.chance = 0;
    requestContext.run({ requestId: 'r-1', trace: null }, () => {
      tracing.emit(FETCHED);
    });
    tracing.emit(PROBED);
    tracing.emit({ app: 'shop', kind: 'healed', generation: 7 });
    clock.chance = 0.9;
    tracing.emit(REPORTED);
    await tracing.close();
    expect(receiver.spans.map(({ name, parentSpanId }) => [name, Boolean(parentSpanId)])).toEqual([
      ['token.probe', false],
    ]);
  });

  it('says that the collector refuses spans, and ends all the same', async () => {
    const { tracing, receiver, lines } = await fixture(1);
    receiver.behaviour = 'refuses';
    tracing.emit(PROBED);
    await tracing.close();
    expect(lines).toEqual([expect.objectContaining({ level: 'warn', event: 'tracing.unavailable' })]);
  });

  it('waits two seconds for a collector that hangs, and no longer', async () => {
    const { tracing, receiver, clock } = await fixture(1);
    receiver.behaviour = 'hangs';
    tracing.emit(PROBED);
    let isClosed = false;
    void tracing.close().then(() => {
      isClosed = true;
    });
    await clock.advance(1999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    expect(isClosed).toBe(true);
  });
});
