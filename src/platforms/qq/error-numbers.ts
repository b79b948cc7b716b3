import type { ErrorCode } from '../../core/error-code.js';
import type { LoginRefusal } from '../../core/ports/login-provider.js';
import type { ErrcodeAdvice } from '../../core/ports/token-issuer.js';

/** At QQ Connect a code is a number of six digits; `ret` of a profile can also be negative. */
interface Meaning {
  readonly meaning: LoginRefusal;
  readonly remedy: string;
}

const REWRITTEN =
  'A parameter did not reach QQ; check that apiBaseUrl is QQ and nothing rewrites the request.';
const LOG_IN_AGAIN = 'The user has to log in again.';

/** wiki.connect.qq.com, 公共返回码说明. */
export const MEANINGS: Readonly<Record<ErrorCode, Meaning>> = {
  100000: { meaning: 'app_misconfigured', remedy: REWRITTEN },
  100001: { meaning: 'app_misconfigured', remedy: REWRITTEN },
  100002: { meaning: 'app_misconfigured', remedy: REWRITTEN },
  100004: { meaning: 'app_misconfigured', remedy: REWRITTEN },
  100005: { meaning: 'app_misconfigured', remedy: REWRITTEN },
  100006: { meaning: 'app_misconfigured', remedy: REWRITTEN },
  100007: { meaning: 'app_misconfigured', remedy: REWRITTEN },
  100008: {
    meaning: 'app_misconfigured',
    remedy: 'QQ does not know the APP ID; copy it from connect.qq.com and check it digit by digit.',
  },
  100009: {
    meaning: 'app_misconfigured',
    remedy: 'The APP Key is wrong or was reset; set the one that connect.qq.com shows for this APP ID.',
  },
  100010: {
    meaning: 'app_misconfigured',
    remedy:
      'The redirect URI is not one of those that are registered at connect.qq.com; register it there, path included.',
  },
  100011: {
    meaning: 'app_misconfigured',
    remedy: 'The app is not online yet; have it approved at connect.qq.com, or log in as one of its testers.',
  },
  100013: { meaning: 'reauthorize_required', remedy: `The user took the grant back. ${LOG_IN_AGAIN}` },
  100014: { meaning: 'reauthorize_required', remedy: `The user's token has expired. ${LOG_IN_AGAIN}` },
  100015: { meaning: 'reauthorize_required', remedy: `The user's token was revoked. ${LOG_IN_AGAIN}` },
  100016: { meaning: 'reauthorize_required', remedy: `QQ does not take the user's token. ${LOG_IN_AGAIN}` },
  100019: { meaning: 'code_invalid', remedy: `The code is wrong or too old. ${LOG_IN_AGAIN}` },
  100020: { meaning: 'code_used', remedy: `The code was used before. ${LOG_IN_AGAIN}` },
  100021: {
    meaning: 'reauthorize_required',
    remedy: `The refresh token was used before, or QQ does not take it. ${LOG_IN_AGAIN}`,
  },
  100030: {
    meaning: 'scope_missing',
    remedy: 'The user did not grant this; ask for it in scope when the login begins.',
  },
  100031: {
    meaning: 'app_misconfigured',
    remedy: 'The app may not use this API; apply for it at connect.qq.com.',
  },
  100048: {
    meaning: 'app_misconfigured',
    remedy: 'The app has no unionid; apply for it at connect.qq.com.',
  },
};

export function meaningOf(errcode: ErrorCode): Meaning {
  const remedy = `Look ${String(errcode)} up in QQ Connect's list of return codes (公共返回码说明).`;
  return MEANINGS[errcode] ?? { meaning: 'other', remedy };
}

export function isSecretRejected(errcode: ErrorCode): boolean {
  return errcode === 100009;
}

/** There is no token of the app that a newer one could replace. */
export function explain(errcode: ErrorCode): ErrcodeAdvice {
  return {
    class: 'configuration',
    remedy: meaningOf(errcode).remedy,
    secretRejected: isSecretRejected(errcode),
    addressRejected: false,
    curedByNewToken: 'no',
  };
}
