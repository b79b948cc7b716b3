import type { ErrorCode } from '../../core/error-code.js';
import type { GatewayProfile, PlatformAnswer } from '../../core/ports/gateway-profile.js';

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;
/** In `WWW-Authenticate` (RFC 6750 3). */
const ERROR = /\berror="?([\w-]{1,64})/;

/** An API that takes the token as RFC 6750 2.1 has it. */
export function gatewayProfile(baseUrl: string): GatewayProfile {
  return {
    baseUrl,
    token: { kind: 'header', header: 'authorization', prefix: 'Bearer ' },
    ruleOf: () => 'open',
    errcodeOf,
  };
}

/** The word of the resource, or else its status. */
function errcodeOf({ status, headers }: PlatformAnswer): ErrorCode | null {
  if (status !== UNAUTHORIZED && status !== FORBIDDEN) return null;
  const [, word] = ERROR.exec(String(headers['www-authenticate'] ?? '')) ?? [];
  return word ?? status;
}
