import type { ErrorCode } from '../../core/error-code.js';
import type { AccessTokenSource } from '../../core/ports/access-token-source.js';
import type { TicketType } from '../../core/ticket-broker.js';
import {
  TokenIssuer,
  type AppCredentials,
  type Deadline,
  type ErrcodeAdvice,
  type IssueOutcome,
} from '../../core/ports/token-issuer.js';
import { DEAD_TOKEN_ERRCODES, explain } from './errcodes.js';
import { TICKET_RULE } from './issuance-rules.js';
import { isFaultId, remedyOfFault } from '../http/network-fault.js';
import { fetchTicket } from './fetch-ticket.js';

const NO_TICKET = 'No ticket without an access token';

export interface TicketIssuerOptions {
  readonly type: TicketType;
  readonly apiBaseUrl: string;
  /** As in WechatIssuerOptions. */
  readonly proxyVariable?: string | null;
  readonly tokens: AccessTokenSource;
}

/** JS-API and card tickets. The same one comes back until WeChat changes it, and the one before is still good for a while. */
export class TicketIssuer extends TokenIssuer {
  override readonly rule = TICKET_RULE;

  constructor(private readonly options: TicketIssuerOptions) {
    super();
  }

  /** Without a living access token nothing is sent; one that turns out dead is reported, and its successor tried once. */
  async issue(_credentials: AppCredentials, deadline: Deadline): Promise<IssueOutcome> {
    const { tokens } = this.options;
    try {
      const accessToken = await before(deadline, tokens.current());
      const outcome = await this.fetch(accessToken, deadline);
      if (!isTokenDead(outcome)) return outcome;
      const next = await before(deadline, tokens.replace(accessToken, outcome.errcode));
      const second = next === accessToken ? outcome : await this.fetch(next, deadline);
      if (!isTokenDead(second)) return second;
      // No refusal: that would wait for a person, while a new token is on its way.
      return notSent(new Error(`the access token was refused with ${String(second.errcode)}`));
    } catch (error) {
      return notSent(error);
    }
  }

  private fetch(accessToken: string, deadline: Deadline): Promise<IssueOutcome> {
    return fetchTicket(this.options.apiBaseUrl, accessToken, this.options.type, deadline);
  }

  explain(errcode: ErrorCode): ErrcodeAdvice {
    return { ...explain(errcode), secretRejected: false };
  }

  override explainSilence(message: string, fault: string | null = null): string | null {
    if (fault !== null && isFaultId(fault)) return remedyOfFault(fault, this.options.proxyVariable ?? null);
    return message.startsWith(NO_TICKET)
      ? "Nothing about the ticket: see the app's own state and last_error in GET /apps. The ticket is fetched as soon as the app has a token that the platform takes."
      : null;
  }
}

function isTokenDead(outcome: IssueOutcome): outcome is Extract<IssueOutcome, { kind: 'refused' }> {
  return outcome.kind === 'refused' && DEAD_TOKEN_ERRCODES.has(outcome.errcode);
}

function notSent(error: unknown): IssueOutcome {
  const why = error instanceof Error ? error.message : 'unknown error';
  return { kind: 'not_sent', cause: new Error(`${NO_TICKET}: ${why}`) };
}

function before<T>({ signal, timeoutMs }: Deadline, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error(`given up at the deadline of ${String(timeoutMs)} ms`));
    });
    work.then(resolve, reject);
  });
}
