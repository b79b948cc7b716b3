import { TraceFlags, isSpanContextValid, type SpanContext } from '@opentelemetry/api';
import type { IncomingMessage } from 'node:http';

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;

/** The span that the caller began; null when there is none. Its `tracestate` is left behind: it is anybody's text. */
export function parentOf({ headers: { traceparent } }: IncomingMessage): SpanContext | null {
  if (typeof traceparent !== 'string') return null;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  const parent = { traceId, spanId, traceFlags: parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
  return isSpanContextValid(parent) ? parent : null;
}
