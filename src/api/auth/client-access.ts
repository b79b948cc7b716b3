import type { ClientSection, Scope } from '../../config/client.section.js';
import { BrokerError } from '../../core/errors.js';
import type { AppName } from '../../core/token.js';

/** What one API client may see and do, worked out once. */
export class ClientAccess {
  readonly name: string;
  /** Bounds what `promisedSeconds` says; `Infinity` if nothing does. */
  private readonly maxExpiresInSeconds: number;
  /** The aliases it may name, in configured order. */
  readonly apps: readonly AppName[];
  private readonly visible: ReadonlySet<AppName>;
  private readonly scopes: ReadonlySet<Scope>;
  /** Meant when a request names no app; it need not be visible. */
  private readonly implied: AppName;

  constructor(
    client: ClientSection,
    private readonly configured: readonly AppName[],
  ) {
    const granted = client.apps;
    this.name = client.name;
    this.maxExpiresInSeconds = client.maxExpiresInSeconds ?? Infinity;
    this.apps = granted === '*' ? configured : configured.filter((app) => granted.includes(app));
    this.visible = new Set(this.apps);
    this.scopes = new Set(client.scopes);
    const [only, ...others] = this.apps;
    this.implied = only !== undefined && others.length === 0 ? only : 'default';
  }

  may(scope: Scope): boolean {
    return this.scopes.has(scope);
  }

  /** The `expires_in` for a client that heeds nothing else: whole seconds, at least 1. */
  promisedSeconds(cacheableMs: number): number {
    return Math.max(1, Math.min(Math.floor(cacheableMs / 1000), this.maxExpiresInSeconds));
  }

  /** The app that a request is about, if this client may see it. */
  visibleApp(named: AppName | undefined): AppName | undefined {
    const app = named ?? this.implied;
    return this.visible.has(app) ? app : undefined;
  }

  /**
   * The app that a request is about.
   *
   * @throws BrokerError `app_required`; `unknown_app`, the same for an app that does not exist and one it may not see
   */
  app(named: AppName | undefined): AppName {
    const app = this.visibleApp(named);
    if (app !== undefined) return app;
    const choice = this.apps.length > 0 ? `It may name: ${this.apps.join(', ')}.` : 'It may see none.';
    if (named === undefined) {
      throw new BrokerError('app_required', `Say which app is meant with "app". ${choice}`);
    }
    const existing = this.configured.includes(named) ? named : null;
    throw new UnseenAppError(`This API key sees no app of that name. ${choice}`, existing);
  }
}

/** A client named an app that it may not see, or that does not exist: to the client the two are the same. */
export class UnseenAppError extends BrokerError {
  constructor(
    detail: string,
    /** The alias of the app that exists; null when none does, for then the name is the caller's own text. */
    readonly app: AppName | null,
  ) {
    super('unknown_app', detail);
  }
}
