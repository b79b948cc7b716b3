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
import { explain } from './errcodes.js';
import { fetchClassicToken } from './fetch-classic-token.js';
import { fetchStableToken } from './fetch-stable-token.js';
import { RULES } from './issuance-rules.js';
import { isFaultId, remedyOfFault } from '../http/network-fault.js';
import { probeToken } from './probe-token.js';

export interface WechatIssuerOptions {
  /** Each grant has tokens of its own; neither kills the other's. */
  readonly grant: 'stable' | 'classic';
  /** The platform's host with its scheme, and a path if a gateway needs one. */
  readonly apiBaseUrl: string;
  /** The variable of the environment that names a proxy, which is not used; null if none does. */
  readonly proxyVariable?: string | null;
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
    const { grant, apiBaseUrl } = this.options;
    return grant === 'stable'
      ? fetchStableToken(apiBaseUrl, credentials, deadline, forceNew)
      : fetchClassicToken(apiBaseUrl, credentials, deadline);
  }

  override probe(token: string, deadline: Deadline): Promise<ProbeOutcome> {
    return probeToken(this.options.apiBaseUrl, token, deadline);
  }

  explain(errcode: ErrorCode): ErrcodeAdvice {
    return explain(errcode);
  }

  override explainSilence(_message: string, fault: string | null = null): string | null {
    return fault !== null && isFaultId(fault)
      ? remedyOfFault(fault, this.options.proxyVariable ?? null)
      : null;
  }
}
