import type { Authorization } from '../../core/login/authorization.js';
import type { LoginAnswer } from '../../core/ports/login-store.js';
import { anyObject, boolean, integer, object, text, type FromSchema } from '../common/schema.js';

const scopes = { type: 'array', items: text } as const;
const userOf = { openid: { ...text, description: 'The same user always has the same, in this app.' } };

/** Where to send the browser, and what to keep until it comes back. */
export const authorizeUrlSchema = {
  title: 'AuthorizeUrl',
  ...object({
    url: { ...text, description: 'Send the browser there, as it is: WeChat insists on the order.' },
    state: text,
    binding: {
      ...text,
      description:
        "For a cookie of this browser: HttpOnly, Secure, SameSite=Lax. It proves that the login's end is its beginning's.",
    },
    expires_in: { ...integer, description: 'Seconds for which the user may take.' },
    fields: {
      ...anyObject,
      description: 'What is in the URL, for pages that show the QR code themselves (`wxLogin.js`).',
    },
  }),
} as const;

export type AuthorizeUrlView = FromSchema<typeof authorizeUrlSchema>;

export const loginSchema = {
  title: 'Login',
  ...object(
    {
      ...userOf,
      scope: { ...scopes, description: 'What the user consented to.' },
      snapshot: {
        ...boolean,
        description:
          'A virtual user, of a preview page of WeChat: make no account for it, and link none to it.',
      },
      session: {
        ...text,
        nullable: true,
        description: 'A handle, `tbs_…`, for the other routes. Null for a snapshot.',
      },
      expires_in: { ...integer, description: 'Seconds for which the session lives.' },
    },
    {
      unionid: { ...text, description: 'The user in all apps of one account of the Open Platform.' },
    },
  ),
} as const;

export type LoginView = FromSchema<typeof loginSchema>;

export const userinfoSchema = { title: 'Userinfo', ...object({ profile: anyObject }) } as const;
export const userTokensSchema = {
  title: 'UserTokens',
  ...object({ access_token: text, expires_in: integer, ...userOf, scope: scopes }, { refresh_token: text }),
} as const;
export const validitySchema = { title: 'SessionValidity', ...object({ valid: boolean }) } as const;
export const decryptedSchema = { title: 'DecryptedData', ...object({ data: anyObject }) } as const;
export const sessionKeySchema = { title: 'SessionKey', ...object({ session_key: text }) } as const;
export const phoneSchema = { title: 'Phone', ...object({ phone_info: anyObject }) } as const;

export type UserinfoView = FromSchema<typeof userinfoSchema>;
export type UserTokensView = FromSchema<typeof userTokensSchema>;
export type ValidityView = FromSchema<typeof validitySchema>;
export type DecryptedView = FromSchema<typeof decryptedSchema>;
export type SessionKeyView = FromSchema<typeof sessionKeySchema>;
export type PhoneView = FromSchema<typeof phoneSchema>;

export function authorizeUrlView(answer: Authorization): AuthorizeUrlView {
  const { url, state, binding, expiresInSeconds: expires_in, fields } = answer;
  return { url, state, binding, expires_in, fields };
}

export function loginView(answer: LoginAnswer): LoginView {
  const { openid, unionid, scope, snapshot, session, expiresInSeconds } = answer;
  return { openid, unionid, scope, snapshot, session, expires_in: expiresInSeconds };
}
