import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ClientSection, Scope } from '../../config/client.section.js';
import type { JwtIssuerSection } from '../../config/identities.section.js';
import type { Clock } from '../../core/ports/clock.js';
import type { AppName } from '../../core/token.js';
import { remoteOf, type IdentityObserver } from '../common/request.js';
import {
  ApiKeys,
  ClientAccess,
  type KeyAuthentication,
  type Recognized,
  Identities,
  type Identity,
  type IdentityKind,
} from './client-access.js';
import { ClientCertificates } from './client-certificates.js';
import { JwtCallers, subjectKey, type JwtCaller } from './jwt/jwt-callers.js';
import { JwtIssuers } from './jwt/jwt-issuers.js';
import { JwtVerifier, looksLikeJwt } from './jwt/jwt-verifier.js';

/** Who sent a request. `refused`: somebody who says who they are, and is not believed. */
export type Authentication = KeyAuthentication | Extract<JwtCaller, { kind: 'refused' }>;

/** Who may call, and how they are known. */
export interface CallerSettings {
  readonly clients: readonly ClientSection[];
  readonly issuers: readonly JwtIssuerSection[];
}

/** Somebody who signed in, and what tells later whether that still holds. */
export interface SignedInBy extends Recognized {
  readonly proof: Proof;
}

/** By what a client signed in. Holds no secret. */
export interface Proof {
  readonly kind: IdentityKind;
  /** As `Identity.id` has it. */
  readonly id: string;
  /** When it ends by itself, on the wall clock; null: never. */
  readonly untilMs: number | null;
}

const MISSING: Authentication = { kind: 'missing' };
const SCHEME = 'bearer ';

/** All that is made of one state of the settings. */
interface Known {
  readonly accesses: ReadonlyMap<string, ClientAccess>;
  readonly clients: readonly ClientSection[];
  readonly identities: Identities;
  readonly apiKeys: ApiKeys;
  readonly jwts: JwtCallers | null;
  readonly certificates: ClientCertificates;
  readonly issuers: JwtIssuers;
}

/**
 * Whose a request is: by an API key, by a JWT that was verified before its route asks, or by the certificate of its connection.
 * What stands in the header `Authorization` decides alone: a wrong key is not made good by a certificate.
 */
export class Callers {
  private now: Known;
  /** What became of JWTs that were not known when their requests came. */
  private readonly verdicts = new WeakMap<IncomingMessage, JwtCaller>();
  private readonly listeners: (() => void)[] = [];

  constructor(
    settings: CallerSettings,
    apps: readonly AppName[],
    private readonly clock: Clock,
    private readonly observer: IdentityObserver,
  ) {
    this.now = this.known(settings, apps, null);
  }

  /** The API keys of all clients. */
  get keys(): readonly Identity[] {
    const { clients, identities } = this.now;
    return clients.flatMap(({ name }) => identities.ofClient(name)).filter(({ kind }) => kind === 'key');
  }

  /** All identities of the clients, in the order of the configuration. */
  identitiesOf(client: string): readonly Identity[] {
    return this.now.identities.ofClient(client);
  }

  /** From the next request on. Keys of issuers that stay are not fetched again. */
  replace(settings: CallerSettings, apps: readonly AppName[]): void {
    const { issuers } = this.now;
    this.now = this.known(settings, apps, this.now);
    issuers.close();
    for (const listener of this.listeners) listener();
  }

  private known(
    { clients, issuers: sections }: CallerSettings,
    apps: readonly AppName[],
    before: Known | null,
  ): Known {
    const { clock, observer } = this;
    const identities = new Identities(before?.identities.known ?? new Map());
    const accesses = new Map(clients.map((client) => [client.name, new ClientAccess(client, apps)]));
    /** The clients by what each has several of. */
    const by = (
      kind: IdentityKind,
      valuesOf: (client: ClientSection) => readonly (readonly [string, string])[],
    ) =>
      new Map(
        clients.flatMap((section) => {
          const client = accesses.get(section.name);
          if (!client) return [];
          return valuesOf(section).map(([key, value]): [string, Recognized] => [
            key,
            { kind: 'ok', client, identity: identities.of(section.name, kind, value) },
          ]);
        }),
      );
    const issuers = new JwtIssuers(sections, clock, observer, before?.issuers ?? null);
    const apiKeys = new ApiKeys(clients, accesses, identities, clock);
    const subjects = by('jwt', ({ subjects = [] }) =>
      subjects.map(({ issuer, sub }) => [subjectKey(issuer, sub), `${issuer} ${sub}`]),
    );
    const names = by('certificate', ({ certificates = [] }) => certificates.map(({ san }) => [san, san]));
    const verifier = new JwtVerifier(issuers.all, clock);
    return {
      accesses,
      clients,
      identities,
      apiKeys,
      jwts: sections.length === 0 ? null : new JwtCallers(verifier, subjects, clock),
      certificates: new ClientCertificates(names, clock),
      issuers,
    };
  }

  /** Called on the hot path. A JWT that nobody verified yet is unknown. */
  of(request: IncomingMessage): Authentication {
    const token = bearerOf(request.headers.authorization);
    if (token === undefined) {
      return this.now.certificates.of(request.socket) ?? MISSING;
    }
    const { jwts, apiKeys } = this.now;
    if (jwts === null || !looksLikeJwt(token)) return apiKeys.recognize(token);
    return jwts.known(hash('sha256', token, 'hex')) ?? this.verdicts.get(request) ?? apiKeys.recognize(token);
  }

  /** Whose a key is that came elsewhere than in the header `Authorization`, where no JWT may stand. */
  ofKey(key: string): KeyAuthentication {
    return this.now.apiKeys.recognize(key);
  }

  /** All clients, in configured order. */
  get all(): readonly ClientAccess[] {
    return [...this.now.accesses.values()];
  }

  /** The client of that name, for who has proved to be it in another way. */
  named(client: string): ClientAccess | undefined {
    return this.now.accesses.get(client);
  }

  /** Verifies the JWT of a request, so that `of` knows whose it is; `undefined` when there is nothing to wait for. */
  verify(request: IncomingMessage): Promise<void> | undefined {
    const { jwts } = this.now;
    const token = jwts && bearerOf(request.headers.authorization);
    if (jwts === null || token == null || !looksLikeJwt(token) || this.of(request).kind === 'ok') {
      return undefined;
    }
    return jwts.verify(token, hash('sha256', token, 'hex')).then((caller) => {
      this.verdicts.set(request, caller);
      if (caller.kind === 'refused') this.observer.jwtRefused(caller.refusal, remoteOf(request.socket));
    });
  }

  /**
   * Who sent the request, if they may do this now; it may be long ago that they sent it. Never rejects where `verify` does not.
   */
  async allowed(request: IncomingMessage, scope: Scope): Promise<ClientAccess | undefined> {
    const { jwts } = this.now;
    const token = bearerOf(request.headers.authorization);
    if (jwts !== null && token !== undefined && looksLikeJwt(token)) {
      this.verdicts.set(request, await jwts.verify(token, hash('sha256', token, 'hex')));
    }
    const who = this.of(request);
    return who.kind === 'ok' && who.client.may(scope) ? who.client : undefined;
  }

  /** The same for one app. */
  async isAllowed(request: IncomingMessage, scope: Scope, app: AppName): Promise<boolean> {
    return (await this.allowed(request, scope))?.visibleApp(app) !== undefined;
  }

  /** Whose an API key or a JWT is that somebody signs in with. */
  async signIn(
    credential: string,
    remote: string,
  ): Promise<SignedInBy | Exclude<Authentication, { kind: 'ok' }>> {
    const { jwts, apiKeys } = this.now;
    if (jwts === null || !looksLikeJwt(credential)) {
      const who = apiKeys.recognize(credential);
      return who.kind === 'ok' ? { ...who, proof: proofOf(who.identity, who.identity.expiresAtMs) } : who;
    }
    const who = await jwts.verify(credential, hash('sha256', credential, 'hex'));
    if (who.kind === 'ok') return { ...who, proof: proofOf(who.identity, who.untilMs) };
    this.observer.jwtRefused(who.refusal, remote);
    return who;
  }

  /** Whom the client is by the configuration as it is now, if what it signed in with is still its own. */
  stillBy(client: string, { kind, id, untilMs }: Proof): Recognized | undefined {
    const access = this.named(client);
    const identity = this.identitiesOf(client).find((one) => one.kind === kind && one.id === id);
    const endMs = Math.min(untilMs ?? Infinity, identity?.expiresAtMs ?? Infinity);
    if (!access || !identity || this.clock.wallMs() >= endMs) return undefined;
    return { kind: 'ok', client: access, identity };
  }

  /** Calls back after each change of who may call, for good. */
  onReplace(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Watches no file any more. */
  close(): void {
    this.now.issuers.close();
  }
}

function proofOf({ kind, id }: Identity, untilMs: number | null): Proof {
  return { kind, id, untilMs };
}

/** The token of an `Authorization` header; `undefined` if it has none. */
function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization?.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return undefined;
  return authorization.slice(SCHEME.length).trim();
}
