import type { LoginOutcome } from '../ports/login-provider.js';
import { withAppToken } from './app-token-call.js';
import type { LoginApp, LoginApps } from './login-app.js';
import type { LoginPorts } from './login-call.js';
import { LoginError } from './login-error.js';
import { answered } from './refusal-error.js';

type Data = Readonly<Record<string, unknown>>;

export interface UsersRequest {
  readonly app: string;
  readonly openids: readonly string[];
  readonly lang?: string;
}

export interface KnownUsers {
  /** In the order in which they were asked for, each once. */
  readonly users: readonly Data[];
  /** Those that are no users of this app. */
  readonly unknown: readonly string[];
}

/** What a platform knows of its users without their consent, by the app's own token. */
export class UserLookup {
  constructor(
    private readonly apps: LoginApps,
    private readonly ports: Pick<LoginPorts, 'clock'>,
  ) {}

  async users({ app: name, openids, lang }: UsersRequest): Promise<KnownUsers> {
    const app = this.apps.get(name);
    const { maxUsersPerCall } = app.login;
    if (maxUsersPerCall === 0) throw new LoginError('wrong_app_type');
    const asked = [...new Set(openids)];
    const found: KnownUsers[] = [];
    for (let at = 0; at < asked.length; at += maxUsersPerCall) {
      found.push(await this.lookUp(app, asked.slice(at, at + maxUsersPerCall), lang));
    }
    return together(found);
  }

  /** A call with an unknown openid is refused as a whole: halves of it find out which. */
  private async lookUp(app: LoginApp, openids: readonly string[], lang?: string): Promise<KnownUsers> {
    const outcome = await this.ask(app, openids, lang);
    if (outcome.kind !== 'refused' || outcome.meaning !== 'data_invalid') {
      return { users: answered(app, outcome), unknown: [] };
    }
    if (openids.length === 1) return { users: [], unknown: openids };
    const half = Math.ceil(openids.length / 2);
    const first = await this.lookUp(app, openids.slice(0, half), lang);
    return together([first, await this.lookUp(app, openids.slice(half), lang)]);
  }

  private ask(
    app: LoginApp,
    openids: readonly string[],
    lang?: string,
  ): Promise<LoginOutcome<readonly Data[]>> {
    const users = app.login.users?.bind(app.login);
    if (!users) throw new LoginError('wrong_app_type');
    return withAppToken(app, this.ports.clock, (token, deadline) =>
      users(token, { openids, ...(lang !== undefined && { lang }) }, deadline),
    );
  }
}

function together(parts: readonly KnownUsers[]): KnownUsers {
  return { users: parts.flatMap(({ users }) => users), unknown: parts.flatMap(({ unknown }) => unknown) };
}
