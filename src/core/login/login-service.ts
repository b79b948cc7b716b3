import { StoreUnavailableError } from '../errors.js';
import type { LoginAnswer } from '../ports/login-store.js';
import type { AppName } from '../token.js';
import { beginAuthorization, type Authorization, type AuthorizeRequest } from './authorization.js';
import { CodeExchange, type Exchanged, type LoginPorts } from './code-exchange.js';
import { isPlausible, proofOf, type Proof } from './handles.js';
import { LoginApps, type LoginApp } from './login-app.js';
import { LoginError } from './login-error.js';
import { refusalError, unansweredError } from './refusal-error.js';

const STORE_RETRY_SECONDS = 2;

/** A caller's answer to a drop-in exchange; in which words, its platform's endpoints know. */
export type DropInAnswer =
  /** The platform's own. */
  | { readonly kind: 'body'; readonly body: string }
  | Extract<Exchanged, { kind: 'refused' }>
  /** By another caller or long ago; or it was sent and no answer came, which may have spent it. */
  | { readonly kind: 'code_used' }
  | { readonly kind: 'not_sent' }
  | { readonly kind: 'wrong_app_type' };

/** Logs users in, with the AppSecrets that no other service has. Who may use which app, its callers have checked. */
export class LoginService {
  private readonly apps: LoginApps;
  private readonly exchanges: CodeExchange;

  constructor(
    apps: readonly LoginApp[],
    private readonly ports: LoginPorts,
  ) {
    this.apps = new LoginApps(apps);
    this.exchanges = new CodeExchange(ports);
  }

  /** @throws LoginError `wrong_app_type`, `redirect_uri_not_allowed`, `scope_not_allowed`, `store_unavailable` */
  authorizeUrl({ app, ...request }: AuthorizeRequest & { readonly app: AppName }): Promise<Authorization> {
    return this.stored(() => beginAuthorization(this.apps.get(app), this.ports.store, request));
  }

  /**
   * A code that came back to a service. The state is checked and used up before the code is sent; the same four values
   * get the same answer for a minute.
   *
   * @throws LoginError
   */
  exchange(request: {
    readonly app: AppName;
    readonly client: string;
    readonly code: string;
    readonly state: string;
    readonly proof: Proof;
  }): Promise<LoginAnswer> {
    return this.stored(async () => {
      const { client, code, state } = request;
      const app = this.apps.get(request.app);
      if (!app.login.authorizeUrl) throw new LoginError('wrong_app_type');
      if (!isPlausible(code)) throw new LoginError('code_missing');
      if (!isPlausible(state)) throw new LoginError('state_unknown');
      const check = { state, way: 'direct', client, proof: proofOf(request.proof) } as const;
      return answerOf(app, await this.exchanges.run(app, { surface: 'native', code, client, check }));
    });
  }

  /**
   * A code of a mini program's `wx.login`, which came to the service by the mini program's own call, and so without a state.
   *
   * @throws LoginError
   */
  exchangeJsCode(request: {
    readonly app: AppName;
    readonly client: string;
    readonly code: string;
  }): Promise<LoginAnswer> {
    return this.stored(async () => {
      const { client, code } = request;
      const app = this.apps.get(request.app);
      if (app.login.appType !== 'mini_program') throw new LoginError('wrong_app_type');
      if (!isPlausible(code)) throw new LoginError('code_missing');
      return answerOf(app, await this.exchanges.run(app, { surface: 'native', code, client, check: null }));
    });
  }

  /** What an SDK gets that takes this broker for its platform. Goes on while the store is away. Never throws. */
  async dropInExchange(request: {
    readonly app: AppName;
    readonly client: string;
    readonly code: string;
    readonly kind: 'web' | 'mini_program';
  }): Promise<DropInAnswer> {
    const app = this.apps.find(request.app);
    const { client, code } = request;
    const isMiniProgram = app?.login.appType === 'mini_program';
    if (!app || isMiniProgram !== (request.kind === 'mini_program')) return { kind: 'wrong_app_type' };
    if (app.login.appType === 'qq') return { kind: 'wrong_app_type' };
    const exchanged = await this.exchanges
      .run(app, { surface: 'drop_in', code, client, check: null })
      .catch(() => ({ kind: 'lost' }) as const);
    switch (exchanged.kind) {
      case 'answered':
        return exchanged.body === null ? { kind: 'code_used' } : { kind: 'body', body: exchanged.body };
      case 'refused':
        return exchanged;
      case 'not_sent':
        return { kind: 'not_sent' };
      default:
        return { kind: 'code_used' };
    }
  }

  private async stored<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      throw new LoginError('store_unavailable', { retryAfterSeconds: STORE_RETRY_SECONDS, cause: error });
    }
  }
}

/** What a service is told of an exchange. Throws `LoginError` for all but an answer. */
function answerOf(app: LoginApp, exchanged: Exchanged): LoginAnswer {
  switch (exchanged.kind) {
    case 'answered':
      if (exchanged.answer) return exchanged.answer;
      throw new LoginError('code_used');
    case 'refused':
      throw refusalError(exchanged, 'code_invalid');
    case 'lost':
      throw new LoginError('exchange_outcome_unknown');
    case 'not_sent':
      throw unansweredError(app, exchanged.cause);
    case 'spent':
      throw new LoginError(exchanged.byAnother || exchanged.login === null ? 'code_used' : 'state_used');
    default:
      throw new LoginError(`state_${exchanged.kind}`);
  }
}
