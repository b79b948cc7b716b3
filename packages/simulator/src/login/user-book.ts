import { isBoolean, isText, isTextOrNull, type FieldCheck } from '../input-checks.js';

/** Who logs in where nobody is named. */
const DEFAULT_USER = 'ada';

/** A person as one app sees them. */
export interface SimulatedUser {
  readonly openid: string;
  /** Undefined for an app that is not bound to an account of the open platform. */
  readonly unionid: string | undefined;
  readonly nickname: string;
  readonly headimgurl: string;
  readonly subscribed: boolean;
  /** The platform takes the user for a risk and logs them in nowhere: 40226. */
  readonly blocked: boolean;
}

/** What is left out stays as it was, or is made from the name. */
export interface UserSpec {
  /** A person's name: one openid for each app, the same unionid for all of them. Default: DEFAULT_USER. */
  readonly user?: string | undefined;
  /** Instead of the one that the name has at this app. */
  readonly openid?: string | undefined;
  readonly unionid?: string | null | undefined;
  readonly nickname?: string | undefined;
  readonly headimgurl?: string | undefined;
  readonly subscribed?: boolean | undefined;
  readonly blocked?: boolean | undefined;
}

export const USER_FIELDS: Readonly<Record<keyof UserSpec, FieldCheck>> = {
  user: isText,
  openid: isText,
  unionid: isTextOrNull,
  nickname: isText,
  headimgurl: (value) => (typeof value === 'string' ? undefined : 'must be a string'),
  subscribed: isBoolean,
  blocked: isBoolean,
};

/** How a platform names people. */
export interface IdPattern {
  openidOf(appId: string, user: string): string;
  /** Whether it can be seen from an openid that somebody of that app has it. */
  hasOpenid(appId: string, openid: string): boolean;
  /** Undefined where there is none. The same for one person at all apps. */
  unionidOf(appId: string, openid: string, user: string): string | undefined;
}

/** The users of one app: those who were put down, and everybody whose openid shows that the app knows them. */
export class UserBook {
  readonly #users = new Map<string, SimulatedUser>();

  constructor(
    private readonly appId: string,
    private readonly ids: IdPattern,
  ) {}

  /** The user whom a spec names, with what it says of them. */
  put({
    user = DEFAULT_USER,
    openid = this.ids.openidOf(this.appId, user),
    ...spec
  }: UserSpec): SimulatedUser {
    const known = this.#users.get(openid) ?? this.#stranger(openid, user);
    const put = {
      openid,
      unionid: spec.unionid === undefined ? known.unionid : (spec.unionid ?? undefined),
      nickname: spec.nickname ?? known.nickname,
      headimgurl: spec.headimgurl ?? known.headimgurl,
      subscribed: spec.subscribed ?? known.subscribed,
      blocked: spec.blocked ?? known.blocked,
    };
    this.#users.set(openid, put);
    return put;
  }

  /** Undefined for an openid of another app. */
  find(openid: string): SimulatedUser | undefined {
    const known = this.#users.get(openid);
    if (known) return known;
    return this.ids.hasOpenid(this.appId, openid) ? this.#stranger(openid, DEFAULT_USER) : undefined;
  }

  #stranger(openid: string, user: string): SimulatedUser {
    return {
      openid,
      unionid: this.ids.unionidOf(this.appId, openid, user),
      nickname: `${user} 小明😀`,
      headimgurl: `https://thirdwx.qlogo.cn/mmopen/vi_32/${openid}/132`,
      subscribed: true,
      blocked: false,
    };
  }
}
