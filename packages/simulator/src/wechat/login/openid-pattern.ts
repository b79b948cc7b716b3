import { createHash } from 'node:crypto';
import type { IdPattern } from '../../login/user-book.js';

/** Openids have 28 characters. Those of one app begin alike, and what follows is the person here. */
const APP_CHARACTERS = 6;
const PERSON_CHARACTERS = 22;

/** @param isBound whether the app is bound to an account of the open platform, without which there are no unionids */
export function openidPattern(isBound: boolean): IdPattern {
  return {
    openidOf: (appId, user) => appPart(appId) + digest(user, PERSON_CHARACTERS),
    hasOpenid: isOfApp,
    unionidOf: (appId, openid) => {
      if (!isBound) return undefined;
      const person = isOfApp(appId, openid)
        ? openid.slice(APP_CHARACTERS)
        : digest(openid, PERSON_CHARACTERS);
      return `oUnion${person}`;
    },
  };
}

function isOfApp(appId: string, openid: string): boolean {
  return openid.length === APP_CHARACTERS + PERSON_CHARACTERS && openid.startsWith(appPart(appId));
}

function appPart(appId: string): string {
  return `o${digest(appId, APP_CHARACTERS - 1)}`;
}

function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, length);
}
