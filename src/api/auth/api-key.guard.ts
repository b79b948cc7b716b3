import {
  createParamDecorator,
  Injectable,
  type CanActivate,
  type ExecutionContext,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { EXPIRED_KEY, type ClientAccess, type Identity, type KeyAuthentication } from './client-access.js';
import { Callers, type Authentication, type SignedInBy } from './callers.js';
import type { JwtProblem } from './jwt/jwt-callers.js';
import type { Scope } from '../../config/client.section.js';
import { Clock } from '../../core/ports/clock.js';
import { HttpProblem } from '../common/problem.js';
import { originOf, routeOf, HttpObserver, type DenialReason } from '../common/request.js';
import { ClientLimits } from '../limits/client-limits.js';

const CHALLENGE = { 'www-authenticate': 'Bearer' };
const DETAILS = {
  missing: 'Send an API key as "Authorization: Bearer <key>".',
  unknown: 'This API key is not known: its SHA-256 is in no client of the configuration.',
};

export const VIRTUAL_TOKENS_ONLY =
  "This client has virtualTokens: true, so it gets no real token. Its calls go through the broker, with a virtual token from the platform's own token endpoint or with the API key below /gateway.";

const DENIALS = {
  missing: 'missing_key',
  unknown: 'unknown_key',
  expired: 'expired_key',
  refused: 'refused_jwt',
} as const;

/** As RFC 6750 has it. */
function jwtProblem({ code, detail, retryAfterSeconds }: JwtProblem): HttpProblem {
  const headers = { 'www-authenticate': `Bearer error="invalid_token", error_description="${code}"` };
  return new HttpProblem(code, detail, {
    retryAfterSeconds,
    ...(code !== 'jwt_keys_unavailable' && { headers }),
  });
}

/** Says whose a request is, and turns away those that may not pass. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly callers: Callers,
    private readonly observer: HttpObserver,
    private readonly limits: ClientLimits,
    private readonly clock: Clock,
  ) {}

  /**
   * Whose key or JWT the request bears; from then on `request.client`.
   *
   * @throws HttpProblem `unauthorized`, `key_expired`, `forbidden`, `virtual_tokens_only`, `jwt_…`, `rate_limited`, `too_many_requests`
   */
  authenticate(request: FastifyRequest, access: Scope | 'any_key'): ClientAccess {
    const who = this.noted(this.callers.of(request.raw), request);
    if (who.kind === 'refused') throw jwtProblem(who.problem);
    if (who.kind === 'expired') throw new HttpProblem('key_expired', EXPIRED_KEY, { headers: CHALLENGE });
    if (who.kind !== 'ok') throw new HttpProblem('unauthorized', DETAILS[who.kind], { headers: CHALLENGE });
    if (access !== 'any_key') this.requireScope(request, who.client, access);
    return who.client;
  }

  /** @throws HttpProblem `browser_refused` */
  refuseBrowser(request: FastifyRequest): void {
    if (request.headers.origin === undefined) return;
    this.refused(request, 'browser');
    throw new HttpProblem(
      'browser_refused',
      'This route answers backend services only, and the request came from a page: it has the header Origin. Call it from your server, where the API key stays.',
    );
  }

  /**
   * The same for a key that came elsewhere than in the header. The caller says in its own form why it was refused.
   *
   * @throws HttpProblem `rate_limited`, `too_many_requests`
   */
  recognize(request: FastifyRequest, key: string): KeyAuthentication {
    return this.noted(this.callers.ofKey(key), request);
  }

  /**
   * Whose an API key or a JWT is that somebody signs in with.
   *
   * @throws HttpProblem `unauthorized`, `key_expired`, `jwt_…`, `rate_limited`, `too_many_requests`
   */
  async signIn(request: FastifyRequest, credential: string): Promise<SignedInBy> {
    const who = this.noted(await this.callers.signIn(credential, originOf(request).remote), request);
    if (who.kind === 'refused') throw jwtProblem(who.problem);
    if (who.kind === 'expired') throw new HttpProblem('key_expired', EXPIRED_KEY);
    if (who.kind !== 'ok') throw new HttpProblem('unauthorized', DETAILS[who.kind]);
    return who;
  }

  /** @throws HttpProblem `forbidden`, `virtual_tokens_only` */
  requireScope(request: FastifyRequest, client: ClientAccess, scope: Scope): void {
    if (this.hasScope(request, client, scope)) return;
    if (client.isRealTokenRefused(scope)) throw new HttpProblem('virtual_tokens_only', VIRTUAL_TOKENS_ONLY);
    throw new HttpProblem('forbidden', `This needs the scope ${scope}, which client ${client.name} lacks.`);
  }

  /** The same for routes that refuse in a form of their own. */
  hasScope(request: FastifyRequest, client: ClientAccess, scope: Scope): boolean {
    if (client.may(scope)) return true;
    this.refused(request, 'missing_scope');
    return false;
  }

  private noted<T extends Authentication>(who: T, request: FastifyRequest): T {
    if (who.kind === 'ok') this.attribute(request, who.client, who.identity);
    else {
      this.refused(request, DENIALS[who.kind]);
      const isWrong =
        who.kind === 'unknown' ||
        who.kind === 'expired' ||
        (who.kind === 'refused' && who.problem.code !== 'jwt_keys_unavailable');
      if (isWrong) this.limits.wrongKey(originOf(request).remote);
    }
    return who;
  }

  /**
   * The request is this client's from now on, and counts as one of its requests.
   *
   * @param identity which one the client proved; left out for a virtual token, which the broker made
   * @throws HttpProblem `rate_limited`, `too_many_requests`
   */
  attribute(request: FastifyRequest, client: ClientAccess, identity?: Identity): void {
    request.client = client;
    if (identity) {
      request.identity = identity;
      identity.used(this.clock.wallMs());
    }
    this.limits.enter(client.name, request.raw, originOf(request).remote);
  }

  /** Counts a request that was turned away, and has it recorded. */
  refused(request: FastifyRequest, reason: DenialReason): void {
    this.observer.denied(reason, routeOf(request));
    if (request.client) this.limits.refused(request.client.name);
    request.audited = { action: 'access.refused', app: null, reason };
  }
}

/** Has the JWT of a request verified before a route asks whose it is. */
@Injectable()
export class JwtHook implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly callers: Callers,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    fastify.addHook('onRequest', (request, { raw }, done) => {
      const isPublic = request.is404 || request.routeOptions.config.api?.access === 'public';
      const verified = isPublic ? undefined : this.callers.verify(request.raw);
      if (verified === undefined) done();
      else
        verified.then(() => {
          // The one `close` of an answer is over then: what waits for it afterwards would count this request for good.
          if (!raw.destroyed) done();
        }, done);
    });
  }

  onApplicationShutdown(): void {
    this.callers.close();
  }
}

/** Closes every controller route that is not declared to be public. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(private readonly authenticator: Authenticator) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { access = 'any_key', refusesBrowsers = false } = request.routeOptions.config.api ?? {};
    if (refusesBrowsers) this.authenticator.refuseBrowser(request);
    if (access !== 'public') this.authenticator.authenticate(request, access);
    return true;
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the API key guard; absent on public routes. */
    client?: ClientAccess;
    /** By what the client proved who it is; absent for a virtual token. */
    identity?: Identity;
  }
}

/** The client whose key opened the route. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): ClientAccess => {
  const { client } = context.switchToHttp().getRequest<FastifyRequest>();
  if (client === undefined) throw new Error('A public route has no caller.');
  return client;
});
