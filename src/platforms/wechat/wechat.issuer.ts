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
import { explain } from './errcodes.js';
import { fetchClassicToken, fetchStableToken, probeToken } from './wechat-http.js';
import type { PlatformApi } from '../http/platform-api.js';
import type { Grant } from './wechat.section.js';

export interface WechatIssuerOptions {
  /** Each grant has tokens of its own; neither kills the other's. */
  readonly grant: 'stable' | 'classic';
  readonly api: PlatformApi;
}

/** WeChat's official accounts and mini programs. */
export class WechatIssuer extends TokenIssuer {
  override readonly rule: IssuanceRule;

  constructor(private readonly options: WechatIssuerOptions) {
    super();
    this.rule = RULES[options.grant];
  }

  issue(
    credentials: AppCredentials,
    deadline: Deadline,
    { forceNew }: { readonly forceNew: boolean },
  ): Promise<IssueOutcome> {
    const { grant, api } = this.options;
    return grant === 'stable'
      ? fetchStableToken(api, credentials, deadline, forceNew)
      : fetchClassicToken(api, credentials, deadline);
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

/** How long WeChat still takes a classic token after the next one, and in how much of a stable one's end the next one comes. */
const GRACE_MS = 300_000;

export const RULES: Readonly<Record<Grant, IssuanceRule>> = {
  stable: {
    repeats: { sameUntilMs: GRACE_MS },
    previous: 'stays_valid',
    renewsOnFetch: false,
    canForce: true,
  },
  classic: { repeats: 'never', previous: { graceMs: GRACE_MS }, renewsOnFetch: false, canForce: false },
};

/** The ticket comes back the same within two hours, and WeChat says two hours each time, however old it is. */
export const TICKET_RULE: IssuanceRule = {
  repeats: { sameUntilMs: 0 },
  previous: 'stays_valid',
  renewsOnFetch: true,
  canForce: false,
};
