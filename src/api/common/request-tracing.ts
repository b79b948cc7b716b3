import type { IncomingMessage } from 'node:http';

/** The trace of one request, from its arrival to its answer. */
export interface RequestTrace {
  /** `route` is the pattern, never the URL. */
  end(route: string, method: string, status: number): void;
}

/** Traces requests, for whoever has it configured. Called on the hot path. */
export abstract class RequestTracing {
  /**
   * The trace of this request, begun if it was not yet; null when it is not one of those that are traced.
   *
   * @param isCallerKnown whether the request bears a known key: only then the caller's own decision, in `traceparent`, counts
   */
  abstract begin(request: IncomingMessage, isCallerKnown: () => boolean): RequestTrace | null;
  /** The trace that was begun for this request. */
  abstract of(request: IncomingMessage): RequestTrace | null;
}
