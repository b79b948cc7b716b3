import { Injectable, createParamDecorator, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { timingSafeEqual } from 'node:crypto';
import { Clock } from '../../core/ports/clock.js';
import { Authenticator } from '../auth/api-key.guard.js';
import { Callers, type Proof } from '../auth/callers.js';
import type { ClientAccess } from '../auth/client-access.js';
import { HttpProblem } from '../common/problem.js';
import { SessionCookies, cookieIn, type ConsoleSession } from './session-cookie.js';

const CSRF_HEADER = 'x-csrf-token';
const BEARER = /^bearer (.+)$/i;
const NOT_SIGNED_IN = 'Nobody is signed in: sign in at /console, or send an API key of the scope console.';
const OVER =
  'The session is over: it lasts 8 hours, and ends when its key or client is taken out of the configuration. Sign in again.';

/** Why a stream of somebody who was signed in ends. */
export type EndOfSession = 'expired' | 'key_removed' | 'scope_lost';

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** What all answers below /console bear: nothing of elsewhere is loaded, and nobody frames it. */
export function secureHeaders(reply: FastifyReply): FastifyReply {
  return reply.headers(HEADERS);
}

/** Who looks at the console, and what proves that they may. */
export interface SignedIn {
  readonly client: ClientAccess;
  readonly proof: Proof;
  /** Null for a client that came with its key. */
  readonly session: ConsoleSession | null;
}

/** Who is signed in at the console, by the cookie of a session or by a key in the header `Authorization`. */
@Injectable()
export class ConsoleSessions {
  constructor(
    private readonly cookies: SessionCookies,
    private readonly callers: Callers,
    private readonly authenticator: Authenticator,
    private readonly clock: Clock,
  ) {}

  /**
   * From then on the request is the client's, and counts as one of its requests.
   *
   * @throws HttpProblem `unauthorized`, `jwt_…`, `forbidden`, `rate_limited`, `too_many_requests`
   */
  async authenticate(request: FastifyRequest, scope: 'console' | 'console:act'): Promise<SignedIn> {
    const who = await this.identify(request);
    this.authenticator.requireScope(request, who.client, 'console');
    this.authenticator.requireScope(request, who.client, scope);
    return who;
  }

  private async identify(request: FastifyRequest): Promise<SignedIn> {
    const { headers, method } = request;
    const [, key] = BEARER.exec(headers.authorization ?? '') ?? [];
    if (key !== undefined) {
      return { ...(await this.authenticator.signIn(request, key.trim())), session: null };
    }
    const cookie = cookieIn(headers.cookie);
    if (cookie === undefined) throw new HttpProblem('unauthorized', NOT_SIGNED_IN);
    const session = this.cookies.unseal(cookie);
    const who = session && this.callers.stillBy(session.client, session.proof);
    if (!session || !who) throw new HttpProblem('unauthorized', OVER);
    const { client } = who;
    this.authenticator.attribute(request, client, who.identity);
    if (method !== 'GET' && method !== 'HEAD' && !isSame(headers[CSRF_HEADER], session.csrf)) {
      throw new HttpProblem(
        'forbidden',
        `Send the header ${CSRF_HEADER} with the csrf of GET /console/api/session: it shows that the request comes from the page.`,
      );
    }
    return { client, proof: session.proof, session };
  }

  /** The client as it is now, or why it may not look any more; it may be long ago that it signed in. */
  recheck({ client, proof, session }: SignedIn): ClientAccess | EndOfSession {
    const endMs = Math.min(session?.expiresAtMs ?? Infinity, proof.untilMs ?? Infinity);
    if (this.clock.wallMs() >= endMs) return 'expired';
    const now = this.callers.stillBy(client.name, proof)?.client;
    if (!now) return 'key_removed';
    return now.may('console') ? now : 'scope_lost';
  }
}

/** Opens the routes that declare a `session` to requests that have one. */
@Injectable()
export class ConsoleGuard implements CanActivate {
  constructor(private readonly sessions: ConsoleSessions) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    secureHeaders(http.getResponse<FastifyReply>());
    const { session: scope } = request.routeOptions.config.api ?? {};
    if (scope) request.consoleSession = (await this.sessions.authenticate(request, scope)).session;
    return true;
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the console; null for a client that came with its key. */
    consoleSession?: ConsoleSession | null;
  }
}

/** The session that opened the route; null for a client that came with its key. */
export const Session = createParamDecorator(
  (_data: unknown, context: ExecutionContext): ConsoleSession | null =>
    context.switchToHttp().getRequest<FastifyRequest>().consoleSession ?? null,
);

function isSame(given: string | string[] | undefined, wanted: string): boolean {
  const [one, other] = [Buffer.from(String(given)), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}
