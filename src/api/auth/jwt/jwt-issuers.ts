import type { JSONWebKeySet } from 'jose';
import type { JwtIssuerSection } from '../../../config/identities.section.js';
import type { Clock } from '../../../core/ports/clock.js';
import type { IdentityObserver } from '../../common/request.js';
import { FixedJwks, RemoteJwks, type Jwks, fetchJwks } from './jwks-source.js';
import type { JwtIssuer } from './jwt-verifier.js';

/** The configured issuers, with their keys as they come and change. */
export class JwtIssuers {
  readonly all: readonly JwtIssuer[];
  private readonly watches: (() => void)[] = [];
  /** The key is the URL of the issuer's keys. */
  private readonly remote = new Map<string, RemoteJwks>();

  constructor(
    sections: readonly JwtIssuerSection[],
    private readonly clock: Clock,
    private readonly observer: IdentityObserver,
    /** Whose keys are taken over where they are at the same place. */
    private readonly before: JwtIssuers | null = null,
  ) {
    this.all = sections.map((section) => ({
      issuer: section.issuer,
      audience: section.audience,
      jwks: this.jwksOf(section),
    }));
  }

  close(): void {
    for (const stop of this.watches) stop();
  }

  private jwksOf({ issuer, jwks, jwksUri: uri = '', caFile, tokenFile }: JwtIssuerSection): Jwks {
    const { clock, observer } = this;
    if (jwks === undefined) {
      const place = JSON.stringify([issuer, uri, caFile, tokenFile]);
      const kept = this.before?.remote.get(place);
      if (kept) {
        this.remote.set(place, kept);
        return kept;
      }
      const fetch = () => fetchJwks({ uri, caFile, tokenFile }, clock);
      const remote = new RemoteJwks(issuer, fetch, clock, observer);
      this.remote.set(place, remote);
      // At once, so that the first caller does not wait, and a wrong address stands in the log from the start.
      void remote.current();
      return remote;
    }
    const keys = JSON.parse(jwks.value()) as JSONWebKeySet;
    const fixed = new FixedJwks(keys);
    this.watches.push(
      jwks.onChange(
        (text) => {
          const changed = JSON.parse(text) as JSONWebKeySet;
          fixed.replace(changed);
          observer.keysRead(issuer, kidsOf(changed));
        },
        (reason) => {
          observer.keysUnavailable(issuer, reason, true);
        },
      ),
    );
    observer.keysRead(issuer, kidsOf(keys));
    return fixed;
  }
}

function kidsOf({ keys }: JSONWebKeySet): string[] {
  return keys.map(({ kid = '' }) => kid);
}
