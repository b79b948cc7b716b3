import type { AppDefinition } from './app-definition.js';
import { AppSecrets } from './app-secrets.js';
import type { TokenBroker } from './broker.js';
import { BrokerError } from './errors.js';
import type { AccessTokenSource } from './ports/token-issuer.js';
import type { AppName, HeldToken } from './token.js';

/** The name under which tickets report a token. No client can have it. */
const REPORTER = 'broker:tickets';

/**
 * Keeps tickets as tokens are kept: a ticket is one more token, whose issuer needs a token. Nothing is done for a ticket
 * before somebody asks for it; from then on it is renewed like the rest.
 */
export class TicketBroker {
  constructor(private readonly broker: TokenBroker) {}

  /**
   * The app's current ticket, waiting for the first fetch if there is none yet.
   *
   * @throws BrokerError as `TokenBroker.current`, for want of a ticket or of the access token to ask for it with
   */
  async current(app: AppName, type: string): Promise<HeldToken> {
    const name = nameOf(app, type);
    const held = this.broker.held(name);
    if (held) return held;
    // Its reason is the better one: nobody can ask for a ticket without a token.
    if (!this.broker.held(app)) await this.broker.current(app);
    this.broker.register(this.definition(app, type));
    return this.broker.current(name);
  }

  /** Milliseconds for which a caller may keep this ticket without asking again; above 0. */
  cacheableMs(app: AppName, type: string, held: HeldToken): number {
    return this.broker.cacheableMs(nameOf(app, type), held);
  }

  /**
   * The kinds of ticket that the app's platform has.
   *
   * @throws BrokerError `unknown_app`, `no_token_for_app_type`
   */
  types(app: AppName): string[] {
    return this.find(app)
      .tickets()
      .map(({ type }) => type);
  }

  private find(name: AppName): AppDefinition {
    const app = this.broker.definition(name);
    // A ticket has its own name, and no tickets.
    if (app && 'issuer' in app && !app.parent) return app;
    throw this.broker.whyNoToken(name);
  }

  private definition(name: AppName, type: string): AppDefinition {
    const app = this.find(name);
    const ticket = app.tickets().find((one) => one.type === type);
    if (!ticket) throw new BrokerError('unknown_app', `The app "${name}" has no ticket "${type}".`);
    return {
      ...app,
      name: nameOf(name, type),
      grant: type,
      secrets: new AppSecrets(''),
      issuer: ticket.issuer(appTokens(this.broker, name, REPORTER)),
      refresh: { ...app.refresh, ...ticket.refresh },
      parent: { app: name, refresh: ticket.refresh },
    };
  }
}

/** Not the name of any app, which has no slash. */
function nameOf(app: AppName, type: string): AppName {
  return `${app}/${type}`;
}

/**
 * An app's token, for what the broker itself does with it.
 *
 * @param caller whose reports of dead tokens these are; a name that no client can have
 */
export function appTokens(broker: TokenBroker, app: AppName, caller: `broker:${string}`): AccessTokenSource {
  return {
    current: async () => (broker.held(app) ?? (await broker.current(app))).record.value,
    replace: async (accessToken, errcode) => {
      const { token } = await broker.report(app, { caller, accessToken, errcode, force: false });
      return token?.record.value ?? accessToken;
    },
  };
}
