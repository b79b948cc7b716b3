import type { AuditedConfig, AuditEntry } from '../../core/ports/audit-entry.js';
import type { AppName } from '../../core/token.js';
import type { IncomingMessage } from 'node:http';
import type { JwtRefusal } from '../auth/jwt/jwt-refusal.js';

/** Why a request was turned away before its route was reached. */
export type DenialReason =
  | 'missing_key'
  | 'unknown_key'
  | 'expired_key'
  | 'refused_jwt'
  | 'unknown_token'
  | 'missing_scope'
  | 'browser';

/**
 * Which limit was reached: requests on one connection without waiting for answers, requests that are worked on, answers that nobody
 * reads, connections, those of one address, wrong keys of one address; of one client the rate, requests that have to
 * wait because it goes on beyond its rate, requests that are worked on, event streams.
 */
export type OverloadLimit =
  | 'pipelining'
  | 'in_flight'
  | 'unread'
  | 'connections'
  | 'address_connections'
  | 'bad_keys'
  | 'client_rate'
  | 'client_held'
  | 'client_in_flight'
  | 'client_streams';

/** Is told about every request. Called on the hot path: must be cheap, must not throw and must not wait. */
export abstract class HttpObserver {
  /** Once per answered request. `route` is the pattern, `unmatched` for URLs that are no route, so its values are few. */
  abstract request(route: string, method: string, status: number, durationMs: number): void;
  abstract denied(reason: DenialReason, route: string): void;
  /** A request was turned away or has to wait, or a connection was cut, because a limit was reached. `remote`: the address of its caller. `client`: where the limit is one of each client. */
  abstract overloaded(limit: OverloadLimit, remote: string, client?: string): void;
  /** A drop-in route answered 200 with this errcode instead of a token. Comes besides `request`. */
  abstract dropInRefused(route: string, errcode: number): void;
  /** A drop-in route answers so when the broker fails: counted from 0, so that the first failure is an increase. */
  abstract dropInMayRefuse(route: string, errcodes: readonly number[]): void;
}

/** Is told of identities besides API keys. Must be cheap, must not throw and must not wait. */
export abstract class IdentityObserver {
  /** @param remote the address of the caller */
  abstract jwtRefused(refusal: JwtRefusal, remote: string): void;
  /** The keys of an issuer were read, from where the configuration says. */
  abstract keysRead(issuer: string, kids: readonly string[]): void;
  /** They could not be; those from before, if there are any, are used on. */
  abstract keysUnavailable(issuer: string, reason: string, hasKeys: boolean): void;
}

/** Is told who does what. It decides itself which entries become lines, so callers record everything. Must not throw and must not wait. */
export abstract class AuditTrail {
  /** Reads are sampled as configured; what comes too often is counted instead. */
  abstract record(entry: AuditEntry): void;
  /** At the start and after each reload: always a line. */
  abstract configured(config: AuditedConfig): void;
  /**
   * Whether a read of this generation by this client, from there, would become a line. Called on the hot path.
   *
   * @param reader as `readerOf` makes it @param via as in `AuditOrigin`
   */
  abstract isReadDue(client: string, reader: string, app: AppName, generation: number, via: string): boolean;
  /** A read that was not due has been answered. Called on the hot path. */
  abstract readAnswered(client: string, app: AppName): void;
}

/** The trace of one request, from its arrival to its answer. */
export interface RequestTrace {
  /** `route` is the pattern, never the URL. */
  end(route: string, method: string, status: number): void;
}

/** Traces requests, where that is configured. Called on the hot path. */
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

export const NO_TRACING: RequestTracing = { begin: () => null, of: () => null };
