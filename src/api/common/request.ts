import type { FastifyRequest, FastifyReply as Reply } from 'fastify';
import type { IncomingMessage, Server } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { AuditEntry, AuditOrigin, AuditedConfig } from '../../core/ports/audit-entry.js';
import { HttpProblem } from './problem.js';
import type { AppName } from '../../core/token.js';
import type { JwtRefusal } from '../auth/jwt/jwt-refusal.js';

/** Routes whose answers stay open, and are counted when they begin. */
export const TOKEN_EVENTS = '/token/events';
export const CONSOLE_STREAM = '/console/api/stream';
const STREAMS: ReadonlySet<string> = new Set([TOKEN_EVENTS, CONSOLE_STREAM]);

/** Whether the answers of the route are meant to last. */
export function isStream(route: string): boolean {
  return STREAMS.has(route);
}

const NO_SOCKET = 'unknown';
/** An IPv6 address has 45 characters at most; with the name of an interface, which Node lets pass, it has no end. */
const MAX_ADDRESS_CHARACTERS = 45;
const MAX_FORWARDED_CHARACTERS = 100;

/** Where a request came from, for the audit trail. A socket that takes both families shows IPv4 as `::ffff:10.0.0.7`. */
export function originOf({ id, ip, raw }: FastifyRequest): AuditOrigin {
  const remote = isAddress(ip) ? plain(ip) : remoteOf(raw.socket);
  return { requestId: id, remote, via: viaOf(raw) };
}

/** What a server tells of each socket that it reads requests from: with TLS the one around the connection. */
export function connectionEventOf(server: Server): 'connection' | 'secureConnection' {
  return 'setSecureContext' in server ? 'secureConnection' : 'connection';
}

/** The other end of a connection: a caller, or the proxy that it came through. */
export function remoteOf({ remoteAddress = NO_SOCKET }: Socket): string {
  return plain(remoteAddress);
}

function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** What the address is worked out of: the socket's, and what a proxy adds. Bounded, not checked, and cheap: for the hot path. */
export function viaOf({ socket: { remoteAddress = NO_SOCKET }, headers }: IncomingMessage): string {
  const forwarded = headers['x-forwarded-for'];
  return forwarded === undefined
    ? remoteAddress
    : `${remoteAddress} ${String(forwarded).slice(-MAX_FORWARDED_CHARACTERS)}`;
}

/** A trusted proxy passes on what its caller wrote into X-Forwarded-For, whatever that is. */
function isAddress(text: string): boolean {
  return text.length <= MAX_ADDRESS_CHARACTERS && !text.includes('%') && isIP(text) !== 0;
}

/** What a request did: of its entry in the audit trail, what does not follow from the request and its answer. */
export interface AuditedAct extends Pick<
  AuditEntry,
  'action' | 'app' | 'token' | 'openid' | 'errcode' | 'note'
> {
  /** Left out: that of the answer. */
  status?: number;
  reason?: string | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The code that knows it sets it; it is recorded once, when the answer is sent. */
    audited?: AuditedAct;
  }
  interface FastifyContextConfig {
    /** Sends this route's errors in a form of its own, instead of application/problem+json. */
    sendError?: (error: unknown, reply: Reply) => void;
  }
}

export function auditEntry(request: FastifyRequest, act: AuditedAct, status: number): AuditEntry {
  return {
    action: act.action,
    client: request.client?.name ?? null,
    ...(request.identity?.kind === 'key' && { key: request.identity.id }),
    app: act.app,
    status: act.status ?? status,
    reason: act.reason ?? null,
    token: act.token,
    openid: act.openid,
    errcode: act.errcode,
    note: act.note,
    ...(act.action === 'access.refused' && { route: routeOf(request) }),
    origin: originOf(request),
  };
}

/** The pattern of a request's route; `unmatched` for a URL that is none, so that nobody's typing fills a log or a metric. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unmatched';
}

const SANE = /^[A-Za-z0-9._-]{1,64}$/;

/** The id that the caller gave its request, unless it is one that would spoil a log. */
export function givenRequestId({ headers: { 'x-request-id': given } }: IncomingMessage): string | undefined {
  return typeof given === 'string' && SANE.test(given) ? given : undefined;
}

/** A parsed query string; a parameter given twice is an array. */
export type Query = Readonly<Record<string, string | string[] | undefined>>;

/** @throws HttpProblem `invalid_request` when it was given more than once */
export function singleParameter(query: Query, name: string): string | undefined {
  const value = query[name];
  if (Array.isArray(value)) throw new HttpProblem('invalid_request', `Give "${name}" only once.`);
  return value;
}

/** @throws HttpProblem `invalid_request` unless it is a whole number from 0 to 2^53 - 1 */
export function generationParameter(query: Query, name: string): number | undefined {
  return numberParameter(query, name, 'a generation as GET /token gave it: a whole number', [
    0,
    Number.MAX_SAFE_INTEGER,
  ]);
}

/** @throws HttpProblem `invalid_request` unless it is a whole number of at most 16 digits, from `min` to `max`; `what` says what is wanted */
export function numberParameter(
  query: Query,
  name: string,
  what: string,
  [min, max]: readonly [min: number, max: number],
): number | undefined {
  const text = singleParameter(query, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new HttpProblem('invalid_request', `"${name}" must be ${what}.`);
}

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
