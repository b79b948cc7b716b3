import type { JsonObject } from '../json-object.js';
import type { LoginOutcome } from '../ports/login-provider.js';
import { isPlausible } from './handles.js';
import type { LoginApp, LoginApps } from './login-app.js';
import { withAppToken, type CallPorts } from './login-call.js';
import { LoginError } from './login-error.js';
import { answered } from './refusal-error.js';

/** Calls of one request. Each user that the platform does not know may cost two for each time that a batch is halved. */
const MAX_CALLS = 100;
export const TOO_MANY_UNKNOWN = `So many of them are no users of this app that it takes more than ${MAX_CALLS} calls to find out which: ask for fewer at a time.`;

export interface UsersRequest {
  readonly app: string;
  readonly openids: readonly string[];
  readonly lang?: string | undefined;
}

export interface KnownUsers {
  /** In the order of the request, each once. */
  readonly users: readonly JsonObject[];
  /** Those that are no users of this app. */
  readonly unknown: readonly string[];
}

interface Search {
  readonly app: LoginApp;
  readonly lang: string | undefined;
  callsLeft: number;
}

/** What a platform knows of its users without their consent, by the app's own token. */
export class UserLookup {
  constructor(
    private readonly apps: LoginApps,
    private readonly ports: CallPorts,
  ) {}

  /** @throws LoginError `data_invalid` if so many are unknown that it takes too many calls to find out which */
  async users({ app: name, openids, lang }: UsersRequest): Promise<KnownUsers> {
    const app = this.apps.get(name);
    const { maxUsersPerCall } = app.login;
    if (maxUsersPerCall === 0) throw new LoginError('wrong_app_type');
    const isAsked = new Set(openids.filter(isPlausible));
    const asked = [...isAsked];
    const unknown = [...new Set(openids)].filter((openid) => !isAsked.has(openid));
    const found: KnownUsers[] = [];
    const search = { app, lang, callsLeft: MAX_CALLS };
    for (let at = 0; at < asked.length; at += maxUsersPerCall) {
      found.push(await this.lookUp(search, asked.slice(at, at + maxUsersPerCall)));
    }
    return together([...found, { users: [], unknown }]);
  }

  /** A call with an unknown openid is refused as a whole: halves of it find out which. */
  private async lookUp(search: Search, openids: readonly string[]): Promise<KnownUsers> {
    if (search.callsLeft === 0) throw new LoginError('data_invalid', { text: TOO_MANY_UNKNOWN });
    search.callsLeft -= 1;
    const outcome = await this.ask(search, openids);
    if (outcome.kind !== 'refused' || outcome.meaning !== 'data_invalid') {
      return { users: answered(search.app, outcome), unknown: [] };
    }
    if (openids.length === 1) return { users: [], unknown: openids };
    const half = Math.ceil(openids.length / 2);
    const first = await this.lookUp(search, openids.slice(0, half));
    return together([first, await this.lookUp(search, openids.slice(half))]);
  }

  private ask(
    { app, lang }: Search,
    openids: readonly string[],
  ): Promise<LoginOutcome<readonly JsonObject[]>> {
    const users = app.login.users?.bind(app.login);
    if (!users) throw new LoginError('wrong_app_type');
    return withAppToken(app, this.ports, (token, deadline) => users(token, { openids, lang }, deadline));
  }
}

function together(parts: readonly KnownUsers[]): KnownUsers {
  return { users: parts.flatMap(({ users }) => users), unknown: parts.flatMap(({ unknown }) => unknown) };
}
