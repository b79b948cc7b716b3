import type { ErrorCode } from '../../core/error-code.js';
import {
  TokenIssuer,
  type AppCredentials,
  type Deadline,
  type ErrcodeAdvice,
  type IssuanceRule,
  type IssueOutcome,
  type ProbeOutcome,
} from '../../core/ports/token-issuer.js';
import { isFaultId, remedyOfFault } from '../http/network-fault.js';
import { explain } from './errcodes.js';
import { fetchToken, probeToken } from './wecom-calls.js';

/** The same token until it has expired; no overlap is promised, and nothing replaces it before. */
export const TOKEN_RULE: IssuanceRule = {
  repeats: { sameUntilMs: 0 },
  previous: 'stays_valid',
  renewsOnFetch: false,
  canForce: false,
};

export interface WecomIssuerOptions {
  readonly corpId: string;
  readonly apiBaseUrl: string;
  /** The variable of the environment that names a proxy, which is not used; null if none does. */
  readonly proxyVariable: string | null;
}

/** The apps ("agents") of a corp on WeCom (企业微信), each with a secret and a token of its own. */
export class WecomIssuer extends TokenIssuer {
  override readonly rule = TOKEN_RULE;

  constructor(private readonly options: WecomIssuerOptions) {
    super();
  }

  issue({ appSecret }: AppCredentials, deadline: Deadline): Promise<IssueOutcome> {
    const { apiBaseUrl, corpId } = this.options;
    return fetchToken(apiBaseUrl, { corpId, corpSecret: appSecret }, deadline);
  }

  override probe(token: string, deadline: Deadline): Promise<ProbeOutcome> {
    return probeToken(this.options.apiBaseUrl, token, deadline);
  }

  explain(errcode: ErrorCode): ErrcodeAdvice {
    return explain(errcode);
  }

  override explainSilence(_message: string, fault: string | null = null): string | null {
    return fault !== null && isFaultId(fault) ? remedyOfFault(fault, this.options.proxyVariable) : null;
  }
}
