import type { ErrorCode } from '../../core/error-code.js';
import {
  TokenIssuer,
  type AppCredentials,
  type Deadline,
  type ErrcodeAdvice,
  type IssuanceRule,
  type IssueOutcome,
} from '../../core/ports/token-issuer.js';
import type { HttpRequest } from '../http/http-call.js';
import type { PlatformApi } from '../http/platform-api.js';
import { explain } from './oauth-errors.js';
import { readTokenAnswer } from './token-answer.js';

export type ClientAuthentication = 'client_secret_basic' | 'client_secret_post';

export interface Oauth2IssuerOptions {
  /** At the token endpoint. */
  readonly api: PlatformApi;
  readonly clientAuthentication: ClientAuthentication;
  readonly scope: string | null;
  /** Sent with each request, beside those of the grant. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly defaultLifeSeconds: number;
  readonly rule: IssuanceRule;
}

/** An OAuth 2 authorization server with the client credentials grant (RFC 6749 4.4). There is no probe: no call is one that every resource has. */
export class Oauth2Issuer extends TokenIssuer {
  override readonly rule: IssuanceRule;

  constructor(private readonly options: Oauth2IssuerOptions) {
    super();
    this.rule = options.rule;
  }

  /** There is no way to force: where a fetch mints, each one does. */
  async issue(credentials: AppCredentials, deadline: Deadline): Promise<IssueOutcome> {
    const { api, defaultLifeSeconds } = this.options;
    const reply = await api.fetch(this.#request(credentials), deadline);
    if (reply.kind !== 'answered') return reply;
    const isRepeated = this.rule.repeats !== 'never';
    return readTokenAnswer(reply, {
      defaultLifeSeconds,
      isRepeated,
      clientSecret: credentials.appSecret,
    });
  }

  explain(errcode: ErrorCode): ErrcodeAdvice {
    return explain(errcode);
  }

  override explainSilence(_message: string, fault: string | null = null): string | null {
    if (fault === 'http_4xx' || fault === 'answer_html') {
      return 'Check tokenUrl: what answers there is not the token endpoint of an OAuth 2 server.';
    }
    return this.options.api.remedyOf(fault);
  }

  #request({ appId, appSecret }: AppCredentials): HttpRequest {
    const { clientAuthentication, scope, parameters } = this.options;
    const isBasic = clientAuthentication === 'client_secret_basic';
    const form = new URLSearchParams({
      ...parameters,
      grant_type: 'client_credentials',
      ...(scope !== null && { scope }),
      ...(!isBasic && { client_id: appId, client_secret: appSecret }),
    });
    const headers = {
      Accept: 'application/json',
      ...(isBasic && { Authorization: basic(appId, appSecret) }),
    };
    return { method: 'POST', path: '', headers, data: form };
  }
}

/** RFC 6749 2.3.1: both are form-urlencoded first. */
function basic(id: string, secret: string): string {
  const encoded = [id, secret].map((text) => new URLSearchParams([['', text]]).toString().slice(1));
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`;
}
