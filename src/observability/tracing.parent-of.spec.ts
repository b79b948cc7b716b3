import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { parentOf } from './tracing.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

function parentIn(headers: IncomingMessage['headers']) {
  const request = new IncomingMessage(new Socket());
  Object.assign(request.headers, headers);
  return parentOf(request);
}

describe('the parent of a request', () => {
  it.each([
    ['a sampled one', `00-${TRACE}-${SPAN}-01`, 1],
    ['one that is not sampled', `00-${TRACE}-${SPAN}-00`, 0],
    ['one with flags that nobody knows', `00-${TRACE}-${SPAN}-fe`, 0],
    ['one of a later version, which may have more fields', `01-${TRACE}-${SPAN}-03-more`, 1],
  ])('is the span in traceparent: %s', (_, traceparent, traceFlags) => {
    expect(parentIn({ traceparent })).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags, isRemote: true });
  });

  it('does not take over tracestate, which may hold anything', () => {
    const parent = parentIn({ traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'vendor=secret' });
    expect(Object.keys(parent ?? {})).not.toContain('traceState');
  });

  it.each([
    ['no header', undefined],
    ['an empty one', ''],
    ['something else', 'no trace at all'],
    ['the version that is forbidden', `ff-${TRACE}-${SPAN}-01`],
    ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['no flags', `00-${TRACE}-${SPAN}`],
    ['flags that are too long', `00-${TRACE}-${SPAN}-011`],
    ['something before it', `x00-${TRACE}-${SPAN}-01`],
    ['more fields than this version has', `00-${TRACE}-${SPAN}-01-more`],
  ])('is none with %s', (_, traceparent) => {
    expect(parentIn(traceparent === undefined ? {} : { traceparent })).toBeNull();
  });
});
