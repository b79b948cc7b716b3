import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { HttpObserver, type DenialReason } from '../common/ports.js';
import { ApiKeys } from './api-keys.js';
import type { Scope } from '../../config/client.section.js';
import type { ClientAccess } from './client-access.js';
import { HttpProblem } from '../common/problem.js';
import { routeOf } from '../common/request.js';

const CHALLENGE = { 'www-authenticate': 'Bearer' };

/** Says whose a request is, and turns away those that may not pass. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly apiKeys: ApiKeys,
    private readonly observer: HttpObserver,
  ) {}

  /**
   * Whose key the request bears; from then on `request.client`.
   *
   * @param scope left out where any key will do
   * @throws HttpProblem `unauthorized`, `forbidden`
   */
  authenticate(request: FastifyRequest, scope: Scope | undefined): ClientAccess {
    const who = this.apiKeys.authenticate(request.raw.headers.authorization);
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
    if (scope !== undefined) this.requireScope(request, who.client, scope);
    return who.client;
  }

  /** @throws HttpProblem `forbidden` */
  requireScope(request: FastifyRequest, client: ClientAccess, scope: Scope): void {
    if (client.may(scope)) return;
    this.refused(request, 'missing_scope');
    throw new HttpProblem('forbidden', `This needs the scope ${scope}, which client ${client.name} lacks.`);
  }

  /** Counts a request that was turned away, and has it recorded. */
  refused(request: FastifyRequest, reason: DenialReason): void {
    this.observer.denied(reason, routeOf(request));
    request.audited = { action: 'access.refused', app: null, reason };
  }
}
