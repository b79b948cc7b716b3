import { type LoginStore, STATE_MS } from '../ports/login-store.js';
import { newBinding, newState, proofOf, proofOfChallenge } from './handles.js';
import type { LoginApp } from './login-app.js';
import { LoginError } from './login-error.js';

export interface AuthorizationRequest {
  readonly client: string;
  readonly redirectUri: string;
  /** Default: the smallest that the app can ask for. */
  readonly scope?: string | undefined;
  readonly forcePopup?: boolean | undefined;
  /** PKCE S256: the service that brings the code shows the verifier in place of the binding. Not for a hosted login. */
  readonly codeChallenge?: string | undefined;
}

export interface Authorization {
  /** Where the browser is sent. */
  readonly url: string;
  readonly state: string;
  /** For a cookie of the browser that the login began in. */
  readonly binding: string;
  readonly expiresInSeconds: number;
  /** What a page needs that shows the platform's own login frame (wxLogin.js). */
  readonly fields: {
    readonly appid: string;
    readonly redirect_uri: string;
    readonly scope: string;
    readonly state: string;
  };
}

/**
 * Begins a login. Neither WeChat nor QQ knows PKCE or a nonce, so the state is all that ties the code to the browser: it
 * stands for one client, one redirect URI and one proof, and is used once.
 *
 * @throws LoginError `wrong_app_type`, `redirect_uri_not_allowed`, `scope_not_allowed`
 * @throws StoreUnavailableError
 */
export async function beginAuthorization(
  app: LoginApp,
  store: LoginStore,
  {
    client,
    redirectUri,
    scope = app.login.defaultScope,
    forcePopup = false,
    codeChallenge,
  }: AuthorizationRequest,
): Promise<Authorization> {
  const { login, callbackBaseUrl, appId } = app;
  if (!login.authorizeUrl) throw new LoginError('wrong_app_type');
  if (!isAllowed(redirectUri, app.redirectUris)) throw new LoginError('redirect_uri_not_allowed');
  if (!scope.split(',').every((one) => login.scopes.includes(one))) {
    const text = `Apps of this type have no such scope: it may be ${login.scopes.join(' or ')}.`;
    throw new LoginError('scope_not_allowed', { text });
  }
  const isHosted = callbackBaseUrl !== null;
  const calledBack = isHosted ? `${callbackBaseUrl}/login/callback/${app.name}` : redirectUri;
  const state = newState();
  const binding = newBinding();
  const isByVerifier = codeChallenge !== undefined && !isHosted;
  await store.open(
    app,
    state,
    {
      way: isHosted ? 'hosted' : 'direct',
      client,
      proof: isByVerifier ? proofOfChallenge(codeChallenge) : proofOf({ binding }),
      redirectUri: calledBack,
      landing: isHosted ? redirectUri : null,
      answer: null,
    },
    STATE_MS,
  );
  return {
    url: login.authorizeUrl({ appId, redirectUri: calledBack, state, scope, forcePopup }),
    state,
    binding,
    expiresInSeconds: STATE_MS / 1000,
    fields: { appid: appId, redirect_uri: calledBack, scope, state },
  };
}

/**
 * Whether a login may end there. The platform checks no more than the host, and so this is the only check of the rest.
 * Code that compares less than the whole text can be led to another place: by a suffix, an `@`, a backslash.
 */
export function isAllowed(redirectUri: string, allowed: readonly string[]): boolean {
  return allowed.includes(redirectUri);
}

/** Adds a parameter and leaves the rest as it is. */
export function withParameter(uri: string, name: string, value: string): string {
  const [, before = uri, fragment = ''] = /^([^#]*)(#.*)?$/s.exec(uri) ?? [];
  const separator = before.includes('?') ? '&' : '?';
  return `${before}${separator}${name}=${encodeURIComponent(value)}${fragment}`;
}
