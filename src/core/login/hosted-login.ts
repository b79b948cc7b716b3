import type { LoginAnswer, OpenLogin } from '../ports/login-store.js';
import type { AppName } from '../token.js';
import type { CodeExchange } from './code-exchange.js';
import { answerOf } from './refusal-error.js';
import { isPlausible, proofOf, tagIn } from './handles.js';
import type { LoginApps } from './login-app.js';
import type { LoginPorts } from './login-call.js';
import { LoginError } from './login-error.js';
import { withParameter } from './authorization.js';

/** What the browser brought to the callback. */
export interface CallbackRequest {
  readonly app: string;
  readonly code?: string | undefined;
  readonly state?: string | undefined;
}

/**
 * Logins whose code comes to the broker, because the platform knows few callback domains. The browser is sent on with a
 * ticket that its service redeems within a minute, with the binding of the browser: the ticket alone is worth nothing.
 */
export class HostedLogin {
  constructor(
    private readonly apps: LoginApps,
    private readonly exchanges: CodeExchange,
    private readonly ports: LoginPorts,
  ) {}

  /** Where the browser goes next. The state stands for the place, so that nobody can name another one. */
  async callback(request: CallbackRequest): Promise<{ readonly redirectTo: string }> {
    const app = this.apps.get(request.app);
    const { code, state } = request;
    if (state === undefined || !isPlausible(state)) throw new LoginError('state_unknown');
    const check = { state, way: 'hosted', client: null, proof: null } as const;
    if (code === undefined || !isPlausible(code)) {
      // WeChat comes back with the state alone when the user refused.
      const begun = await this.ports.store.begin(app, { check, claim: null });
      if (begun.kind !== 'claimed') throw stateError(begun.kind);
      return { redirectTo: withParameter(landingOf(begun.login), 'error', 'access_denied') };
    }
    const exchanged = await this.exchanges.run(app, { surface: 'hosted', code, client: null, check });
    if (!exchanged.login) throw stateError(exchanged.kind);
    const landing = landingOf(exchanged.login);
    if (exchanged.kind === 'answered' && exchanged.ticket !== null) {
      return { redirectTo: withParameter(landing, 'ticket', exchanged.ticket) };
    }
    try {
      answerOf(app, exchanged);
    } catch (error) {
      if (error instanceof LoginError) return { redirectTo: withParameter(landing, 'error', error.code) };
      throw error;
    }
    throw new LoginError('code_used');
  }

  /** What an exchange would have given. */
  async redeem(request: {
    readonly client: string;
    readonly ticket: string;
    readonly binding: string;
    /** Told for which app the ticket is, for the audit trail. */
    readonly found?: (ticket: { readonly app: AppName }) => void;
  }): Promise<LoginAnswer> {
    const { client, ticket, binding, found } = request;
    const app = this.apps.ofHandle(tagIn(ticket, 'tbt'));
    if (!app) throw new LoginError('ticket_unknown');
    found?.({ app: app.name });
    const check = { state: ticket, way: 'ticket', client, proof: proofOf({ binding }) } as const;
    const begun = await this.ports.store.begin(app, { check, claim: null });
    if (begun.kind === 'used') throw new LoginError('ticket_used');
    if (begun.kind === 'mismatch') throw new LoginError('state_mismatch');
    if (begun.kind !== 'claimed' || !begun.login?.answer) throw new LoginError('ticket_unknown');
    return begun.login.answer;
  }
}

function landingOf(login: OpenLogin | null): string {
  const landing = login?.landing ?? null;
  if (landing === null) throw new LoginError('state_unknown');
  return landing;
}

function stateError(kind: string): LoginError {
  const isKnown = kind === 'expired' || kind === 'used' || kind === 'mismatch';
  return new LoginError(isKnown ? `state_${kind}` : 'state_unknown');
}
