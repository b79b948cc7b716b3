import { createDecipheriv, createHmac } from 'node:crypto';
import { isObject, parseJsonObject, type JsonObject } from '../../../core/json-object.js';
import {
  LoginProvider,
  type CodeRequest,
  type LoginOutcome,
  type UserGrant,
} from '../../../core/ports/login-provider.js';
import type { AppCredentials, Deadline } from '../../../core/ports/token-issuer.js';
import type { PlatformApi } from '../../http/platform-api.js';
import { callLogin, Unreadable } from './login-call.js';
import { readMiniProgramGrant } from './user-grant.js';

/** 16 bytes: of the key, of the IV, and of a block. */
const BLOCK_BYTES = 16;
const SESSION_STALE = 87009;

/** Logins of a mini program or mini game: the code comes from `wx.login`, and the session_key stays with the broker. */
export class MiniProgramLogin extends LoginProvider {
  override readonly appType = 'mini_program';
  override readonly defaultScope = '';
  override readonly scopes: readonly string[] = [];

  constructor(private readonly api: PlatformApi) {
    super();
  }

  exchange(
    { appId, appSecret }: AppCredentials,
    { code }: CodeRequest,
    deadline: Deadline,
  ): Promise<LoginOutcome<UserGrant>> {
    const query = { appid: appId, secret: appSecret, js_code: code, grant_type: 'authorization_code' };
    return callLogin(
      this.api,
      {
        request: { method: 'GET', path: '/sns/jscode2session', query },
        secrets: [appSecret, code],
        takesSecret: true,
        read: readMiniProgramGrant,
      },
      deadline,
    );
  }

  override async checkSession(
    globalToken: string,
    { openid, sessionKey }: { readonly openid: string; readonly sessionKey: string },
    deadline: Deadline,
  ): Promise<LoginOutcome<boolean>> {
    const query = {
      access_token: globalToken,
      openid,
      signature: signatureOfNothing(sessionKey),
      sig_method: 'hmac_sha256',
    };
    const outcome = await callLogin(
      this.api,
      {
        request: { method: 'GET', path: '/wxa/checksession', query },
        secrets: [globalToken, sessionKey],
        read: () => true,
      },
      deadline,
    );
    const isStale = outcome.kind === 'refused' && outcome.errcode === SESSION_STALE;
    return isStale ? { kind: 'answered', value: false, body: '' } : outcome;
  }

  override decrypt({
    appId,
    sessionKey,
    encryptedData,
    iv,
  }: {
    readonly appId: string;
    readonly sessionKey: string;
    readonly encryptedData: string;
    readonly iv: string;
  }): JsonObject | null {
    const data = open(bytesOf(sessionKey), bytesOf(iv), bytesOf(encryptedData));
    const watermark = data?.watermark;
    return isObject(watermark) && watermark.appid === appId ? data : null;
  }

  override phone(
    globalToken: string,
    { code, openid }: { readonly code: string; readonly openid?: string | undefined },
    deadline: Deadline,
  ): Promise<LoginOutcome<JsonObject>> {
    return callLogin(
      this.api,
      {
        request: {
          method: 'POST',
          path: '/wxa/business/getuserphonenumber',
          query: { access_token: globalToken },
          data: { code, openid },
        },
        secrets: [globalToken, code],
        read: ({ phone_info: info }) => (isObject(info) ? info : new Unreadable('has no phone_info')),
      },
      deadline,
    );
  }
}

/** WeChat's proof of a session_key: HMAC-SHA256 over nothing. The key is the text as it was delivered, not the bytes that it spells. */
export function signatureOfNothing(sessionKey: string): string {
  return createHmac('sha256', sessionKey).update('').digest('hex');
}

/** AES-128-CBC with PKCS#7 padding around a JSON object; null if it does not open. */
function open(key: Buffer, iv: Buffer, data: Buffer): JsonObject | null {
  if (key.length !== BLOCK_BYTES || iv.length !== BLOCK_BYTES) return null;
  try {
    const decipher = createDecipheriv('aes-128-cbc', key, iv);
    return parseJsonObject(Buffer.concat([decipher.update(data), decipher.final()]).toString('utf8'));
  } catch {
    return null; // A wrong key mostly shows in the padding.
  }
}

function bytesOf(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}
