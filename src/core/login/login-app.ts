import type { AccessTokenSource } from '../ports/token-issuer.js';
import type { LoginProvider } from '../ports/login-provider.js';
import type { LoginIdentity } from '../ports/login-store.js';
import type { AppSecrets } from '../app-secrets.js';
import type { AppName } from '../token.js';
import { appTag } from './handles.js';
import { LoginError } from './login-error.js';

/** One app whose users log in. */
export interface LoginApp extends LoginIdentity {
  readonly login: LoginProvider;
  /** Where a login may end; compared as a whole. */
  readonly redirectUris: readonly string[];
  /** Of the broker, as browsers see it, without a slash at its end; null: codes come back to the services themselves. */
  readonly callbackBaseUrl: string | null;
  /** Of each call to the platform. */
  readonly timeoutMs: number;
  /** The same one that tokens are fetched with. */
  readonly secrets: AppSecrets;
  /** The app's own token, which no call is made with for an app that has none. */
  readonly tokens: AccessTokenSource;
}

/** The apps whose users can log in, by name and by the handles that are given out for them. */
export class LoginApps {
  private byName: ReadonlyMap<AppName, LoginApp> = new Map();
  /** From the first handle on: a hash for each of thousands of apps would hold the start up. */
  private byTag: ReadonlyMap<string, LoginApp> | null = null;

  constructor(all: readonly LoginApp[]) {
    this.configure(all);
  }

  /** These and no others from now on. A call that is under way goes on with the app that it began with. */
  configure(all: readonly LoginApp[]): void {
    this.byName = new Map(all.map((app) => [app.name, app]));
    this.byTag = null;
  }

  /** In configured order. */
  get all(): readonly LoginApp[] {
    return [...this.byName.values()];
  }

  find(name: AppName): LoginApp | undefined {
    return this.byName.get(name);
  }

  /** @throws LoginError `wrong_app_type` for an app without logins */
  get(name: AppName): LoginApp {
    const app = this.find(name);
    if (!app) throw new LoginError('wrong_app_type');
    return app;
  }

  /** The app that a session or a ticket was given out for. */
  ofHandle(tag: string | null): LoginApp | undefined {
    if (tag === null) return undefined;
    this.byTag ??= new Map(this.all.map((app) => [appTag(app.name), app]));
    return this.byTag.get(tag);
  }
}
