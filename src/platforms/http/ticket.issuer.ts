import type { ErrorCode } from '../../core/error-code.js';
import {
  type AccessTokenSource,
  TokenIssuer,
  type AppCredentials,
  type Deadline,
  type ErrcodeAdvice,
  type IssuanceRule,
  type IssueOutcome,
} from '../../core/ports/token-issuer.js';
import type { PlatformApi } from './platform-api.js';

const NO_TICKET = 'No ticket without an access token';

export interface TicketIssuerOptions {
  readonly rule: IssuanceRule;
  readonly tokens: AccessTokenSource;
  readonly explain: (errcode: ErrorCode) => ErrcodeAdvice;
  readonly api: PlatformApi;
  /** One request, with this access token. */
  readonly fetch: (accessToken: string, deadline: Deadline) => Promise<IssueOutcome>;
}

/** Fetches what a platform gives for an access token of the app. */
export class TicketIssuer extends TokenIssuer {
  override readonly rule: IssuanceRule;

  constructor(private readonly options: TicketIssuerOptions) {
    super();
    this.rule = options.rule;
  }

  /** Without a living access token nothing is sent; one that turns out dead is reported, and its successor tried once. */
  async issue(_credentials: AppCredentials, deadline: Deadline): Promise<IssueOutcome> {
    const { tokens, fetch } = this.options;
    try {
      const accessToken = await before(deadline, tokens.current());
      const outcome = await fetch(accessToken, deadline);
      if (!this.isTokenDead(outcome)) return outcome;
      const next = await before(deadline, tokens.replace(accessToken, outcome.errcode));
      const second = next === accessToken ? outcome : await fetch(next, deadline);
      if (!this.isTokenDead(second)) return second;
      // No refusal: that would wait for a person, while a new token is on its way.
      return notSent(new Error(`the access token was refused with ${String(second.errcode)}`));
    } catch (error) {
      return notSent(error);
    }
  }

  explain(errcode: ErrorCode): ErrcodeAdvice {
    return { ...this.options.explain(errcode), secretRejected: false };
  }

  override explainSilence(message: string, fault: string | null = null): string | null {
    const remedy = this.options.api.remedyOf(fault);
    if (remedy !== null) return remedy;
    return message.startsWith(NO_TICKET)
      ? "Nothing about the ticket: see the app's own state and last_error in GET /apps. The ticket is fetched as soon as the app has a token that the platform takes."
      : null;
  }

  private isTokenDead(outcome: IssueOutcome): outcome is Extract<IssueOutcome, { kind: 'refused' }> {
    return outcome.kind === 'refused' && this.options.explain(outcome.errcode).curedByNewToken === 'yes';
  }
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
