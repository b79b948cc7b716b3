import { createHmac, hkdfSync } from 'node:crypto';
import type { Clock } from './ports/clock.js';
import { NONCE_BYTES, sealBytes, unsealBytes } from './sealed-bytes.js';
import type { AppName } from './token.js';

/** How long a virtual token is good. */
export const VIRTUAL_TOKEN_SECONDS = 7200;
const PREFIX = 'tbv_';
/** Longer ones are not looked into. */
const MAX_CHARACTERS = 512;
const FORM = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{1,${MAX_CHARACTERS - PREFIX.length}}$`);
const KEY_BYTES = 32;
/** Of the plaintext: the end of its life in seconds since the epoch, and the length of the client's name. */
const HEAD_BYTES = 5;
/** Bounds on what the names in a configuration have, which 63 characters hold. */
const MAX_NAME_BYTES = 64;

/** Whom a virtual token stands for, and for which app. */
export interface VirtualTokenHolder {
  readonly client: string;
  readonly app: AppName;
}

/** `expired`: it was good once. `garbage`: no key of this deployment has sealed it. */
export type OpenedVirtualToken =
  (VirtualTokenHolder & { readonly kind: 'living' | 'expired' }) | { readonly kind: 'garbage' };

interface Keys {
  readonly seal: Buffer;
  readonly nonce: Buffer;
}

/**
 * Tokens that are good for calls through the broker only: `tbv_` and, sealed, client, app and expiry. Nothing of them is kept,
 * and every replica with the same encryption keys understands them.
 */
export class VirtualTokens {
  private readonly keys: readonly Keys[];

  /**
   * @param encryptionKeys 32 bytes each; the first one seals, all of them open. Without any there are no virtual tokens
   * @param deployment what keeps those that share encryption keys apart
   */
  constructor(
    encryptionKeys: readonly Buffer[],
    deployment: string,
    private readonly clock: Clock,
  ) {
    const derived = (key: Buffer, use: string): Buffer =>
      Buffer.from(hkdfSync('sha256', key, '', `tokenbroker virtual token ${use} ${deployment}`, KEY_BYTES));
    this.keys = encryptionKeys.map((key) => ({ seal: derived(key, 'seal'), nonce: derived(key, 'nonce') }));
  }

  /** The same one all through a second. */
  issue({ client, app }: VirtualTokenHolder): string {
    const [keys] = this.keys;
    if (!keys) throw new Error('virtual tokens need an encryption key');
    const names = [Buffer.from(client), Buffer.from(app)];
    if (names.some(({ length }) => length === 0 || length > MAX_NAME_BYTES)) {
      throw new Error('a virtual token has no room for this name');
    }
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32BE(Math.ceil(this.clock.wallMs() / 1000) + VIRTUAL_TOKEN_SECONDS);
    head.writeUInt8(names[0]?.length ?? 0, HEAD_BYTES - 1);
    const plain = Buffer.concat([head, ...names]);
    // Made of the plaintext, so that no number of tokens makes two of them share a nonce.
    const nonce = createHmac('sha256', keys.nonce).update(plain).digest().subarray(0, NONCE_BYTES);
    return PREFIX + sealBytes(keys.seal, nonce, plain).toString('base64url');
  }

  /** Takes no look-up, and the same time for every text of one length. */
  open(token: string): OpenedVirtualToken {
    const sealed = bytesOf(token);
    const plain = sealed && this.unsealed(sealed);
    if (!plain) return { kind: 'garbage' };
    const clientEnd = HEAD_BYTES + plain.readUInt8(HEAD_BYTES - 1);
    const kind = plain.readUInt32BE() * 1000 > this.clock.wallMs() ? 'living' : 'expired';
    return {
      kind,
      client: plain.toString('utf8', HEAD_BYTES, clientEnd),
      app: plain.toString('utf8', clientEnd),
    };
  }

  private unsealed(sealed: Buffer): Buffer | null {
    let plain: Buffer | null = null;
    for (const { seal } of this.keys) plain = unsealBytes(seal, sealed) ?? plain;
    return plain;
  }
}

/** Whether somebody means it as one; it may be garbage. */
export function looksVirtual(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** Null unless it is written as `issue` writes it: base64url leaves bits of its last character open. */
function bytesOf(token: string): Buffer | null {
  if (!FORM.test(token)) return null;
  const text = token.slice(PREFIX.length);
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}
