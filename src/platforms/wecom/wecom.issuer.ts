import type { ErrorCode } from '../../core/error-code.js';
import {
  TokenIssuer,
  type AppCredentials,
  type Deadline,
  type ErrcodeAdvice,
  type IssuanceRule,
  type IssueOutcome,
  type ProbeAnswer,
} from '../../core/ports/token-issuer.js';
import type { PlatformApi } from '../http/platform-api.js';
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
  readonly api: PlatformApi;
}

/** The apps ("agents") of a corp on WeCom (企业微信), each with a secret and a token of its own. */
export class WecomIssuer extends TokenIssuer {
  override readonly rule = TOKEN_RULE;

  constructor(private readonly options: WecomIssuerOptions) {
    super();
  }

  issue({ appSecret }: AppCredentials, deadline: Deadline): Promise<IssueOutcome> {
    const { api, corpId } = this.options;
    return fetchToken(api, { corpId, corpSecret: appSecret }, deadline);
  }

  override probe(token: string, deadline: Deadline): Promise<ProbeAnswer> {
    return probeToken(this.options.api, token, deadline);
  }

  explain(errcode: ErrorCode): ErrcodeAdvice {
    return explain(errcode);
  }

  override explainSilence(_message: string, fault: string | null = null): string | null {
    return this.options.api.remedyOf(fault);
  }
}
