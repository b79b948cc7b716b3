import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ClientSection } from '../../config/client.section.js';
import type { JwtIssuerSection } from '../../config/identities.section.js';
import type { Clock } from '../../core/ports/clock.js';
import type { AppName } from '../../core/token.js';
import { remoteOf } from '../common/request.js';
import { ApiKeys, ClientAccess, type KeyAuthentication } from './client-access.js';
import { ClientCertificates } from './client-certificates.js';
import type { IdentityObserver } from './identity-observer.js';
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

const MISSING: Authentication = { kind: 'missing' };
const SCHEME = 'bearer ';

/**
 * Whose a request is: by an API key, by a JWT that was verified before its route asks, or by the certificate of its connection.
 * What stands in the header `Authorization` decides alone: a wrong key is not made good by a certificate.
 */
export class Callers {
  private readonly accesses: ReadonlyMap<string, ClientAccess>;
  private readonly apiKeys: ApiKeys;
  private readonly jwts: JwtCallers | null;
  private readonly certificates: ClientCertificates;
  private readonly issuers: JwtIssuers;
  /** Of requests whose JWT was not known when they came. */
  private readonly verdicts = new WeakMap<IncomingMessage, JwtCaller>();

  constructor(
    { clients, issuers }: CallerSettings,
    apps: readonly AppName[],
    clock: Clock,
    private readonly observer: IdentityObserver,
  ) {
    const accesses = new Map(clients.map((client) => [client.name, new ClientAccess(client, apps)]));
    this.accesses = accesses;
    this.apiKeys = new ApiKeys(clients, accesses);
    this.issuers = new JwtIssuers(issuers, clock, observer);
    const subjects = clients.flatMap(({ name, subjects = [] }) =>
      subjects.flatMap(({ issuer, sub }): [string, ClientAccess][] => {
        const access = accesses.get(name);
        return access ? [[subjectKey(issuer, sub), access]] : [];
      }),
    );
    const names = clients.flatMap(({ name, certificates = [] }) =>
      certificates.flatMap(({ san }): [string, ClientAccess][] => {
        const access = accesses.get(name);
        return access ? [[san, access]] : [];
      }),
    );
    this.certificates = new ClientCertificates(new Map(names), clock);
    const verifier = new JwtVerifier(this.issuers.all, clock);
    this.jwts = issuers.length === 0 ? null : new JwtCallers(verifier, new Map(subjects), clock);
  }

  /** Called on the hot path. A JWT that nobody verified yet is unknown. */
  of(request: IncomingMessage): Authentication {
    const token = bearerOf(request.headers.authorization);
    if (token === undefined) {
      const client = this.certificates.of(request.socket);
      return client ? { kind: 'ok', client } : MISSING;
    }
    if (this.jwts === null || !looksLikeJwt(token)) return this.apiKeys.recognize(token);
    const client = this.jwts.known(hash('sha256', token, 'hex'));
    if (client !== undefined) return { kind: 'ok', client };
    return this.verdicts.get(request) ?? this.apiKeys.recognize(token);
  }

  /** Whose a key is that came elsewhere than in the header `Authorization`, where no JWT may stand. */
  ofKey(key: string): KeyAuthentication {
    return this.apiKeys.recognize(key);
  }

  /** The client of that name, for who has proved to be it in another way. */
  named(client: string): ClientAccess | undefined {
    return this.accesses.get(client);
  }

  /** Verifies the JWT of a request, so that `of` knows whose it is; `undefined` when there is nothing to wait for. */
  verify(request: IncomingMessage): Promise<void> | undefined {
    const token = this.jwts && bearerOf(request.headers.authorization);
    if (this.jwts === null || token == null || !looksLikeJwt(token) || this.of(request).kind === 'ok') {
      return undefined;
    }
    return this.jwts.verify(token, hash('sha256', token, 'hex')).then((caller) => {
      this.verdicts.set(request, caller);
      if (caller.kind === 'refused') this.observer.jwtRefused(caller.refusal, remoteOf(request.socket));
    });
  }

  /** Watches no file any more. */
  close(): void {
    this.issuers.close();
  }
}

/** The token of an `Authorization` header; `undefined` if it has none. */
function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization?.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return undefined;
  return authorization.slice(SCHEME.length).trim();
}
