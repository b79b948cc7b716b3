import { createHash } from 'node:crypto';
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

const OPENID_LENGTH = 28;
const APP_PART = 6;

/** The users of one app. Everybody with an openid of the app's own pattern exists; others once they were put down. */
export class UserBook {
  readonly #users = new Map<string, SimulatedUser>();

  constructor(
    private readonly appId: string,
    private readonly isBound: boolean,
  ) {}

  /** The user whom a spec names, with what it says of them. */
  put({ user = DEFAULT_USER, openid = this.openidOf(user), ...spec }: UserSpec): SimulatedUser {
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
    const isOwn = openid.length === OPENID_LENGTH && openid.startsWith(appPart(this.appId));
    return isOwn ? this.#stranger(openid, DEFAULT_USER) : undefined;
  }

  openidOf(user: string): string {
    return appPart(this.appId) + digest(user, OPENID_LENGTH - APP_PART);
  }

  #stranger(openid: string, user: string): SimulatedUser {
    const isOwn = openid.startsWith(appPart(this.appId));
    const person = isOwn ? openid.slice(APP_PART) : digest(openid, OPENID_LENGTH - APP_PART);
    return {
      openid,
      unionid: this.isBound ? `oUnion${person}` : undefined,
      nickname: `${user} 小明😀`,
      headimgurl: `https://thirdwx.qlogo.cn/mmopen/vi_32/${person}/132`,
      subscribed: true,
      blocked: false,
    };
  }
}

/** Live openids of one app begin alike. */
function appPart(appId: string): string {
  return `o${digest(appId, APP_PART - 1)}`;
}

function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, length);
}
