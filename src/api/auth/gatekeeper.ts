import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AuditTrail } from '../common/audit-trail.js';
import { Authenticator } from './authenticator.js';
import type { ClientAccess } from './client-access.js';
import { HttpObserver, type DenialReason } from '../common/http-observer.js';
import { HttpProblem } from '../common/http-problem.js';
import type { Scope } from './http-settings.js';
import { originOf } from '../common/origin-of.js';
import { problem } from '../common/problem.js';
import { routeOf } from '../common/route-of.js';

const CHALLENGE = { 'www-authenticate': 'Bearer' };

/** Lets a request in or turns it away: the guard of the controllers and the token route both ask here. */
@Injectable()
export class Gatekeeper {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly observer: HttpObserver,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Whose key the request bears; from then on `request.client`.
   *
   * @param scope left out where any key will do
   * @throws HttpProblem `unauthorized`, `forbidden`
   */
  admit(request: FastifyRequest, scope: Scope | undefined): ClientAccess {
    const who = this.authenticator.authenticate(request.raw.headers.authorization);
    if (who.kind === 'missing') {
      this.refused(request, 'missing_key');
      const detail = 'Send an API key as "Authorization: Bearer <key>".';
      throw new HttpProblem('unauthorized', detail, { headers: CHALLENGE });
    }
    if (who.kind === 'unknown') {
      this.refused(request, 'unknown_key');
      const detail = 'This API key is not known: its SHA-256 is in no client of the configuration.';
      throw new HttpProblem('unauthorized', detail, { headers: CHALLENGE });
    }
    request.client = who.client;
    if (scope !== undefined) this.demand(request, who.client, scope);
    return who.client;
  }

  /** @throws HttpProblem `forbidden` */
  demand(request: FastifyRequest, client: ClientAccess, scope: Scope): void {
    if (client.may(scope)) return;
    this.refused(request, 'missing_scope', client);
    throw new HttpProblem('forbidden', `This needs the scope ${scope}, which client ${client.name} lacks.`);
  }

  /** Counts and records a request that was turned away. For routes that answer in a form of their own. */
  refused(
    request: FastifyRequest,
    reason: DenialReason,
    client?: ClientAccess,
    status = problem(client ? 'forbidden' : 'unauthorized', '').status,
  ): void {
    const route = routeOf(request);
    this.observer.denied(reason, route);
    this.audit.record({
      action: 'access.refused',
      client: client?.name ?? null,
      app: null,
      status,
      reason,
      route,
      origin: originOf(request),
    });
  }
}
