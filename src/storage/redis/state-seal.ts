import { identityKey, type AppIdentity } from '../../core/app-definition.js';
import type { AppState } from '../../core/refresh/transitions.js';
import type { Binding, TokenCipher } from './token-cipher.js';

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
  /** The last text of each app. Its binding never changes, so the same text always opens to the same value. */
  private readonly last = new Map<string, { readonly sealed: string; readonly unsealed: Unsealed }>();

  constructor(
    private readonly cipher: TokenCipher,
    private readonly keyPrefix: string,
  ) {}

  seal(app: AppIdentity, state: AppState): string {
    return this.cipher.seal(this.bindingOf(app), JSON.stringify(state));
  }

  open(app: AppIdentity, sealed: string): Unsealed {
    const key = identityKey(app);
    const last = this.last.get(key);
    if (last?.sealed === sealed) return last.unsealed;
    const unsealed = this.unseal(app, sealed);
    this.last.set(key, { sealed, unsealed });
    return unsealed;
  }

  private unseal(app: AppIdentity, sealed: string): Unsealed {
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
