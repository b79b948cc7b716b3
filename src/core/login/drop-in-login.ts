import { StoreUnavailableError } from '../errors.js';
import type { LoginOutcome } from '../ports/login-provider.js';
import type { LoginIdentity } from '../ports/login-store.js';
import type { AppName } from '../token.js';
import type { CodeExchange, Exchanged } from './code-exchange.js';
import { givenTokens } from './exchange-result.js';
import type { LoginApp, LoginApps } from './login-app.js';
import { callInTime, refreshTokens, type LoginPorts } from './login-call.js';

/** What an SDK is told. The platform's endpoints put it into its numbers. */
export type DropInAnswer =
  /** The platform's own. */
  | { readonly kind: 'body'; readonly body: string }
  | Extract<Exchanged, { kind: 'refused' }>
  /** Another caller used it, or this one did long ago; or no answer came when it was sent, which may have spent it. */
  | { readonly kind: 'code_used' }
  /** The platform could not be asked; asking again does no harm. */
  | { readonly kind: 'not_sent' }
  /** A relayed call was sent and no answer came. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'wrong_app_type' }
  /** The user's token was not handed out here, for this is no relay for others; or the platform does not take it any more. */
  | { readonly kind: 'unknown_token' };

/** What is asked with a user's own token, which names no app: those of the platform that the SDK takes this broker for. */
interface UserTokenCall {
  readonly provider: string;
  readonly accessToken: string;
  readonly openid: string;
}

/** What SDKs ask that take this broker for WeChat. They get WeChat's answers, and go on while the store is away. */
export class DropInLogin {
  constructor(
    private readonly apps: LoginApps,
    private readonly exchanges: CodeExchange,
    private readonly ports: LoginPorts,
  ) {}

  async exchange(request: {
    readonly app: AppName;
    readonly client: string;
    readonly code: string;
    readonly kind: 'web' | 'mini_program';
  }): Promise<DropInAnswer> {
    const app = this.apps.find(request.app);
    const isMiniProgram = app?.login.appType === 'mini_program';
    if (!app || isMiniProgram !== (request.kind === 'mini_program')) return { kind: 'wrong_app_type' };
    const { client, code } = request;
    const exchanged = await this.exchanges.run(app, { surface: 'drop_in', code, client, check: null }).catch(
      // The store went away while another replica had the code.
      (error: unknown) => {
        if (error instanceof StoreUnavailableError) return { kind: 'lost' } as const;
        throw error;
      },
    );
    if (exchanged.kind === 'refused') return exchanged;
    if (exchanged.kind === 'not_sent') return { kind: 'not_sent' };
    const body = exchanged.kind === 'answered' ? exchanged.body : null;
    return body === null ? { kind: 'code_used' } : { kind: 'body', body };
  }

  /** Renews a user's token that was handed out for this app. */
  async refresh(request: { readonly app: AppName; readonly refreshToken: string }): Promise<DropInAnswer> {
    const { refreshToken } = request;
    const asked = this.apps.find(request.app);
    if (!asked) return { kind: 'wrong_app_type' };
    return this.relay(refreshToken, [asked], async (app) => {
      const outcome = await refreshTokens(app, this.ports, refreshToken);
      if (outcome?.kind === 'answered') await this.note(app, givenTokens(outcome.value));
      return outcome;
    });
  }

  userinfo(request: UserTokenCall & { readonly lang?: string | undefined }): Promise<DropInAnswer> {
    return this.relay(request.accessToken, this.appsOf(request), async (app) => {
      const { login, appId } = app;
      const profile = login.profile?.bind(login);
      if (!profile) return null;
      return callInTime(app, this.ports, (deadline) => profile(appId, request, deadline));
    });
  }

  auth(request: UserTokenCall): Promise<DropInAnswer> {
    return this.relay(request.accessToken, this.appsOf(request), async (app) => {
      const checkToken = app.login.checkToken?.bind(app.login);
      if (!checkToken) return null;
      return callInTime(app, this.ports, (deadline) => checkToken(request, deadline));
    });
  }

  /** `call` gives null where the app has no such call. */
  private async relay(
    token: string,
    apps: readonly LoginApp[],
    call: (app: LoginApp) => Promise<LoginOutcome<unknown> | null>,
  ): Promise<DropInAnswer> {
    let found: LoginIdentity | null;
    try {
      const { ownStore, store } = this.ports;
      found = (await ownStore.appOfToken(apps, token)) ?? (await store.appOfToken(apps, token));
    } catch (error) {
      if (error instanceof StoreUnavailableError) return { kind: 'not_sent' };
      throw error;
    }
    const app = found && this.apps.find(found.name);
    if (!app) return { kind: 'unknown_token' };
    const outcome = await call(app);
    switch (outcome?.kind) {
      case undefined:
        return { kind: 'wrong_app_type' };
      case 'answered':
        return { kind: 'body', body: outcome.body };
      case 'refused':
        return outcome.meaning === 'token_dead' ? { kind: 'unknown_token' } : { ...outcome, login: null };
      case 'not_sent':
        return { kind: 'not_sent' };
      case 'unknown':
        return { kind: 'lost' };
    }
  }

  private appsOf({ provider }: UserTokenCall): readonly LoginApp[] {
    return this.apps.all.filter((app) => app.provider === provider);
  }

  private async note(app: LoginApp, tokens: ReturnType<typeof givenTokens>): Promise<void> {
    const { store, ownStore } = this.ports;
    for (const { token, lifeMs } of tokens) {
      await store.noteToken(app, token, lifeMs).catch(() => ownStore.noteToken(app, token, lifeMs));
    }
  }
}
