import type { ClientSection, Scope } from '../../config/client.section.js';
import { keysOfClient, SHOWN_DIGITS } from '../../core/client-keys.js';
import { BrokerError } from '../../core/errors.js';
import type { AppName } from '../../core/token.js';
import { hash } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.js';
import { AllowedCalls } from '../gateway/allowed-calls.js';
import { readerOf } from '../../core/ports/audit-entry.js';

/** What one API client may see and do, worked out once. */
export class ClientAccess {
  readonly name: string;
  /** As it is configured. */
  readonly section: ClientSection;
  /** Bounds what `promisedSeconds` says; `Infinity` if nothing does. */
  private readonly maxExpiresInSeconds: number;
  /** The aliases it may name, in configured order. */
  readonly apps: readonly AppName[];
  private readonly visible: ReadonlySet<AppName>;
  private readonly scopes: ReadonlySet<Scope>;
  /** It gets virtual tokens, and never a real one. */
  readonly usesVirtualTokens: boolean;
  /** What it may do through the gateway; undefined: nothing. */
  readonly gateway: ClientSection['gateway'];
  readonly calls: AllowedCalls;
  /** Meant when a request names no app; it need not be visible. */
  private readonly implied: AppName;

  constructor(
    client: ClientSection,
    private readonly configured: readonly AppName[],
  ) {
    const granted = client.apps;
    this.name = client.name;
    this.section = client;
    this.maxExpiresInSeconds = client.maxExpiresInSeconds ?? Infinity;
    const named = new Set(granted);
    this.apps = granted === '*' ? configured : configured.filter((app) => named.has(app));
    this.visible = new Set(this.apps);
    this.gateway = client.gateway;
    this.usesVirtualTokens = client.virtualTokens ?? false;
    this.calls = new AllowedCalls(client.gateway?.allow ?? []);
    this.scopes = new Set(client.scopes);
    const [only, ...others] = this.apps;
    this.implied = only !== undefined && others.length === 0 ? only : 'default';
  }

  may(scope: Scope): boolean {
    return this.scopes.has(scope) && !this.isRealTokenRefused(scope);
  }

  /** Whether the scope is for real tokens, which a client with virtual ones is not to have, whatever its scopes say. */
  isRealTokenRefused(scope: Scope): boolean {
    return this.usesVirtualTokens && scope.startsWith('token:');
  }

  /** The `expires_in` for a client that heeds nothing else: whole seconds, at least 1. */
  promisedSeconds(cacheableMs: number): number {
    return Math.max(1, Math.min(Math.floor(cacheableMs / 1000), this.maxExpiresInSeconds));
  }

  /** The app that a request is about, if this client may see it. */
  visibleApp(named: AppName | undefined): AppName | undefined {
    const app = named ?? this.implied;
    return this.visible.has(app) ? app : undefined;
  }

  /**
   * The app that a request is about.
   *
   * @throws BrokerError `app_required`; `unknown_app`, the same for an app that does not exist and one it may not see
   */
  app(named: AppName | undefined): AppName {
    const app = this.visibleApp(named);
    if (app !== undefined) return app;
    const choice = this.apps.length > 0 ? `It may name: ${this.apps.join(', ')}.` : 'It may see none.';
    if (named === undefined) {
      throw new BrokerError('app_required', `Say which app is meant with "app". ${choice}`);
    }
    const existing = this.configured.includes(named) ? named : null;
    throw new UnseenAppError(`This API key sees no app of that name. ${choice}`, existing);
  }
}

/** A client named an app that it may not see, or that does not exist: to the client the two are the same. */
export class UnseenAppError extends BrokerError {
  constructor(
    detail: string,
    /** The alias of the app that exists; null when none does, for then the name is the caller's own text. */
    readonly app: AppName | null,
  ) {
    super('unknown_app', detail);
  }
}

/** Somebody who has proved who they are. */
export interface Recognized {
  readonly kind: 'ok';
  readonly client: ClientAccess;
  /** By which of its identities. */
  readonly identity: Identity;
}

/** Whose an API key is. `missing`: no Bearer key at all; `unknown`: a key that is nobody's; `expired`: one whose `expiresAt` has passed. */
export type KeyAuthentication =
  Recognized | { readonly kind: 'missing' } | { readonly kind: 'unknown' } | { readonly kind: 'expired' };

/** What a caller with an expired key is told, in every form of answer. */
export const EXPIRED_KEY =
  'This API key has expired: its expiresAt in the configuration of the broker has passed. Ask whoever runs the broker for a new one.';

const MISSING: KeyAuthentication = { kind: 'missing' };
const UNKNOWN: KeyAuthentication = { kind: 'unknown' };
const EXPIRED: KeyAuthentication = { kind: 'expired' };

/** They are kept as they came, so that who asks again and again is not hashed each time. */
const MAX_SEEN = 1000;

/** Recognises API keys. They are 256 random bits, so one SHA-256 is enough and a slow hash would only slow callers down. */
export class ApiKeys {
  /** By the SHA-256, in hex. How long a look takes says nothing of a key: nobody chooses what his guess is hashed to. */
  private readonly keys = new Map<string, Recognized>();
  /** By the key itself. A map compares texts only when their hashes are equal, which V8 seeds anew in each process: its time tells a guesser nothing. */
  private readonly seen = new Map<string, Recognized>();

  constructor(
    clients: readonly ClientSection[],
    accesses: ReadonlyMap<string, ClientAccess>,
    identities: Identities,
    private readonly clock: Clock,
  ) {
    for (const section of clients) {
      const client = accesses.get(section.name);
      if (client === undefined) continue;
      for (const { sha256, expiresAtMs } of keysOfClient(section)) {
        const identity = identities.of(section.name, 'key', sha256, expiresAtMs);
        this.keys.set(sha256, { kind: 'ok', client, identity });
      }
    }
  }

  /** Called on the hot path. */
  recognize(key: string): KeyAuthentication {
    if (key === '') return MISSING;
    const who = this.seen.get(key) ?? this.lookUp(key);
    if (who === undefined) return UNKNOWN;
    const { expiresAtMs } = who.identity;
    return expiresAtMs !== null && this.clock.wallMs() >= expiresAtMs ? EXPIRED : who;
  }

  private lookUp(key: string): Recognized | undefined {
    const known = this.keys.get(hash('sha256', key, 'hex'));
    if (known === undefined) return undefined;
    if (this.seen.size >= MAX_SEEN) this.seen.clear();
    this.seen.set(key, known);
    return known;
  }
}

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
