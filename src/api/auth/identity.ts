import { SHOWN_DIGITS } from '../../core/client-keys.js';
import { readerOf } from '../../core/ports/audit-entry.js';

export type IdentityKind = 'key' | 'jwt' | 'certificate';

/** One way in which a client proves who it is, and how that was used on this replica. */
export class Identity {
  uses = 0;
  /** On the wall clock; null: not since this replica runs. */
  lastUsedAtMs: number | null = null;
  /** What may be shown: of a key the first digits of its SHA-256, of JWTs `<issuer> <sub>`, of certificates the name in them. */
  readonly id: string;
  /** As `readerOf` makes it. */
  readonly reader: string;

  constructor(
    client: string,
    readonly kind: IdentityKind,
    /** Of a key its SHA-256; else as `id`. */
    value: string,
    /** On the wall clock; null: it does not end by itself. */
    readonly expiresAtMs: number | null,
  ) {
    this.id = kind === 'key' ? value.slice(0, SHOWN_DIGITS) : value;
    this.reader = readerOf(client, kind === 'key' ? this.id : undefined);
  }

  /** Called on the hot path. */
  used(nowMs: number): void {
    this.uses += 1;
    this.lastUsedAtMs = nowMs;
  }
}

/** The identities of all clients, as one configuration has them. One that was in the configuration before keeps what is known of its use. */
export class Identities {
  private readonly byValue = new Map<string, Identity>();
  private readonly byClient = new Map<string, Identity[]>();

  constructor(private readonly before: ReadonlyMap<string, Identity>) {}

  of(client: string, kind: IdentityKind, value: string, expiresAtMs: number | null = null): Identity {
    const identity = new Identity(client, kind, value, expiresAtMs);
    const id = `${client} ${kind} ${value}`;
    const old = this.before.get(id);
    if (old) Object.assign(identity, { uses: old.uses, lastUsedAtMs: old.lastUsedAtMs });
    this.byValue.set(id, identity);
    this.byClient.set(client, [...this.ofClient(client), identity]);
    return identity;
  }

  ofClient(client: string): readonly Identity[] {
    return this.byClient.get(client) ?? [];
  }

  /** For the ones that come after. */
  get known(): ReadonlyMap<string, Identity> {
    return this.byValue;
  }
}
