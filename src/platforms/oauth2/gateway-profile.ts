import type { ErrorCode } from '../../core/error-code.js';
import type { GatewayProfile, PlatformAnswer } from '../../core/ports/gateway-profile.js';

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
/** In `WWW-Authenticate` (RFC 6750 3). */
const ERROR = /\berror="?([\w-]{1,64})/;

/** An API that takes the token as RFC 6750 2.1 has it. Where its server gives tokens below the same URL, no call goes there. */
export function gatewayProfile(baseUrl: string, tokenUrl: string): GatewayProfile {
  const tokenPath = pathBelow(baseUrl, tokenUrl);
  return {
    baseUrl,
    token: { kind: 'header', header: 'authorization', prefix: 'Bearer ' },
    ruleOf: (path) => (path === tokenPath ? 'forbidden' : 'open'),
    errcodeOf,
  };
}

/** As `ruleOf` gets it; null for a URL that is not below the base. */
function pathBelow(baseUrl: string, url: string): string | null {
  const { origin, pathname } = new URL(url);
  const base = new URL(baseUrl).href.replace(/\/$/, '');
  const whole = origin + pathname;
  return whole.startsWith(`${base}/`) ? whole.slice(base.length).toLowerCase().replace(/\/$/, '') : null;
}

/** The word of the resource, or else its status. */
function errcodeOf({ status, headers }: PlatformAnswer): ErrorCode | null {
  if (status !== UNAUTHORIZED && status !== FORBIDDEN) return null;
  const [, word] = ERROR.exec(String(headers['www-authenticate'] ?? '')) ?? [];
  return word ?? status;
}
