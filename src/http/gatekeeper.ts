import { Injectable } from '@nestjs/common';
import { Authenticator } from './authenticator.js';
import type { ClientAccess } from './client-access.js';
import { HttpObserver } from './http-observer.js';
import { HttpProblem } from './http-problem.js';
import type { Scope } from './http-settings.js';

const CHALLENGE = { 'www-authenticate': 'Bearer' };

/** Lets a request in or turns it away: the guard of the controllers and the token route both ask here. */
@Injectable()
export class Gatekeeper {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly observer: HttpObserver,
  ) {}

  /**
   * @param scope left out where any key will do
   * @param route for the count of denials
   * @throws HttpProblem `unauthorized`, `forbidden`
   */
  admit(authorization: string | undefined, scope: Scope | undefined, route: string): ClientAccess {
    const who = this.authenticator.authenticate(authorization);
    if (who.kind === 'missing') {
      this.observer.denied('missing_key', route);
      const detail = 'Send an API key as "Authorization: Bearer <key>".';
      throw new HttpProblem('unauthorized', detail, { headers: CHALLENGE });
    }
    if (who.kind === 'unknown') {
      this.observer.denied('unknown_key', route);
      const detail = 'This API key is not known: its SHA-256 is in no client of the configuration.';
      throw new HttpProblem('unauthorized', detail, { headers: CHALLENGE });
    }
    if (scope !== undefined) this.demand(who.client, scope, route);
    return who.client;
  }

  /** @throws HttpProblem `forbidden` */
  demand(client: ClientAccess, scope: Scope, route: string): void {
    if (client.may(scope)) return;
    this.observer.denied('missing_scope', route);
    throw new HttpProblem('forbidden', `This needs the scope ${scope}, which client ${client.name} lacks.`);
  }
}
