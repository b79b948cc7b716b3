import { AsyncLocalStorage } from 'node:async_hooks';

/** The request that the work under way is done for. What no request asked for has none. */
export interface RequestContext {
  readonly requestId: string;
  /** The trace that the request belongs to, for who knows what it is; null when it is not traced. */
  readonly trace: object | null;
  /** What no log line of this request may show, besides what is hidden everywhere. Asked for only when a line is written. */
  readonly secrets?: () => readonly string[];
}

/** Follows calls and promises by itself. A fetch that many share is caused by the first who wanted it. */
export const requestContext = new AsyncLocalStorage<RequestContext>();
