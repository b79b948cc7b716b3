import type { Deadline } from '../../core/ports/token-issuer.js';
import { Egress } from './egress.js';
import { fetchOnce } from './fetch-once.js';
import type { HttpReply, HttpRequest } from './http-call.js';
import { callOnce } from './kept-call.js';
import { isFaultId, remedyOfFault } from './network-fault.js';

/** A platform at one address, and the way there. Sends each request once; never throws for what a network may do. */
export class PlatformApi {
  /** @param egress left out: directly */
  constructor(
    readonly baseUrl: string,
    private readonly egress: Egress = new Egress(),
  ) {}

  /** Over a connection of its own: for what mints tokens, where nothing is spent on a request whose fate is unknown. */
  fetch(request: HttpRequest, deadline: Deadline): Promise<HttpReply> {
    return fetchOnce(this.egress, this.baseUrl, request, deadline);
  }

  /** Over a connection that is kept for other calls: for what comes often, such as logins and tries of tokens. */
  call(request: HttpRequest, deadline: Deadline): Promise<HttpReply> {
    return callOnce(this.egress, this.baseUrl, request, deadline);
  }

  /** What a person does about a fault; null for what is none of the network's. */
  remedyOf(fault: string | null): string | null {
    return fault !== null && isFaultId(fault) ? remedyOfFault(fault, this.egress.unusedProxyVariable) : null;
  }
}
