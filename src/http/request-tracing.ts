import type { IncomingMessage } from 'node:http';

/** The trace of one request, from its arrival to its answer. */
export interface RequestTrace {
  /** `route` is the pattern, never the URL. */
  end(route: string, method: string, status: number): void;
}

/** Traces requests, for whoever has it configured. Called on the hot path. */
export abstract class RequestTracing {
  /** The trace of this request, begun if it was not yet; null when it is not one of those that are traced. */
  abstract begin(request: IncomingMessage): RequestTrace | null;
}
