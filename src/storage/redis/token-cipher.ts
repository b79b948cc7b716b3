import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { identityKey, type AppIdentity } from '../../core/app-definition.js';
import type { StoredState } from '../../core/refresh/transitions.js';
import { NONCE_BYTES, SEALING_BYTES, sealBytes, unsealBytes } from '../../core/sealed-bytes.js';

export interface CipherKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** What a sealed text belongs to. It opens for the very same binding only. */
export type Binding = readonly (string | number)[];

/** `unknown_key`: no configured key has its id. `garbage`: anything else that does not open for this binding. */
export type Opened =
  | { readonly kind: 'opened'; readonly text: string; readonly keyId: string }
  | { readonly kind: 'unknown_key' }
  | { readonly kind: 'garbage' };

/** Seals text for the store: `<key id>.<base64url of nonce, ciphertext and tag>`. */
export class TokenCipher {
  /** As objects: bytes are turned into one at every use, which takes longer than the sealing. */
  private readonly keys: ReadonlyMap<string, KeyObject>;
  private readonly current: { readonly id: string; readonly key: KeyObject };

  /** The first key seals, all open. Throws if there is none. */
  constructor(keys: readonly CipherKey[]) {
    const [current] = keys;
    if (!current) throw new Error('a cipher needs a key');
    this.current = { id: current.id, key: createSecretKey(current.key) };
    this.keys = new Map(keys.map(({ id, key }) => [id, createSecretKey(key)]));
  }

  /** Of the key that seals. */
  get currentKeyId(): string {
    return this.current.id;
  }

  seal(binding: Binding, text: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const sealed = sealBytes(this.current.key, nonce, Buffer.from(text), bytesOf(binding));
    return `${this.current.id}.${sealed.toString('base64url')}`;
  }

  open(binding: Binding, sealed: string): Opened {
    const dot = sealed.lastIndexOf('.');
    const keyId = sealed.slice(0, dot);
    const key = this.keys.get(keyId);
    const bytes = Buffer.from(sealed.slice(dot + 1), 'base64url');
    if (dot < 1 || bytes.length <= SEALING_BYTES) return { kind: 'garbage' };
    if (!key) return { kind: 'unknown_key' };
    const text = unsealBytes(key, bytes, bytesOf(binding));
    return text ? { kind: 'opened', text: text.toString(), keyId } : { kind: 'garbage' };
  }
}

function bytesOf(binding: Binding): Buffer {
  return Buffer.from(JSON.stringify(binding));
}

/** What a stored text turned out to be. `value`: what JSON.parse gave of what a broker sealed; not yet bounded. */
export type Unsealed =
  | { readonly kind: 'state'; readonly value: unknown; readonly keyId: string }
  /** A broker with other encryption keys uses it. */
  | { readonly kind: 'unknown_key' }
  | { readonly kind: 'garbage' };

/**
 * Seals an app's whole state into one text, so that who has no key can forge no field of it. Prefix, name, provider,
 * AppID and grant are bound to it: the state of another app, or from another prefix, does not open.
 */
export class StateSeal {
  constructor(
    private readonly cipher: TokenCipher,
    private readonly keyPrefix: string,
  ) {}

  seal(app: AppIdentity, state: StoredState): string {
    return this.cipher.seal(this.bindingOf(app), JSON.stringify(state));
  }

  open(app: AppIdentity, sealed: string): Unsealed {
    const opened = this.cipher.open(this.bindingOf(app), sealed);
    if (opened.kind !== 'opened') return opened;
    try {
      return { kind: 'state', value: JSON.parse(opened.text), keyId: opened.keyId };
    } catch {
      return { kind: 'garbage' };
    }
  }

  private bindingOf({ name, provider, appId, grant }: AppIdentity): Binding {
    return ['state', this.keyPrefix, name, provider, appId, grant];
  }
}

/** Replicas that still have another key in front seal with that one: for this long none may have been seen. */
const QUIET_MS = 60_000;

/** Finds out when nothing that is stored of the configured apps is sealed with an old key any more. */
export class KeyUse {
  private apps: readonly AppIdentity[] = [];
  /** Of `apps`, those that were not seen yet with the first key. */
  private missing = new Set<string>();
  private readonly seen = new Set<string>();
  private quietSinceMs: number | null = null;
  private isTold = false;

  /**
   * @param keyIds of `encryption.keys`, in their order: the first one seals
   * @param configured those that are stored, now; the same list as long as they are the same
   * @param onUnused is told the others, each time that they have become unused
   */
  constructor(
    private readonly keyIds: readonly string[],
    private readonly configured: () => readonly AppIdentity[],
    private readonly onUnused: (keyIds: readonly string[]) => void,
  ) {}

  /** What is stored of this app is sealed with this key, at this time of the store. */
  note(app: AppIdentity, keyId: string, nowMs: number): void {
    const [current, ...others] = this.keyIds;
    if (others.length === 0) return;
    if (keyId === current) this.seen.add(identityKey(app));
    this.compare();
    if (keyId === current) this.missing.delete(identityKey(app));
    if (keyId !== current || this.missing.size > 0) {
      this.quietSinceMs = null;
      this.isTold = false;
      return;
    }
    this.quietSinceMs ??= nowMs;
    if (this.isTold || nowMs - this.quietSinceMs < QUIET_MS) return;
    this.isTold = true;
    this.onUnused(others);
  }

  private compare(): void {
    const apps = this.configured();
    if (apps === this.apps) return;
    this.apps = apps;
    const stored = new Set(apps.map(identityKey));
    for (const app of this.seen) if (!stored.has(app)) this.seen.delete(app);
    this.missing = new Set([...stored].filter((app) => !this.seen.has(app)));
  }
}
