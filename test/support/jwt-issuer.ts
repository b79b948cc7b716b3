import type { JwtIssuerSection } from '../../src/config/identities.section.js';
import { Secret } from '../../src/config/secret.js';
import { randomUUID } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JSONWebKeySet, type JWK } from 'jose';

export type Algorithm = 'RS256' | 'ES256' | 'EdDSA';

interface Key {
  readonly alg: Algorithm;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/**
 * What stands in a projected token of a ServiceAccount: `Claims` of kubernetes/pkg/serviceaccount/claims.go, and `jti` and `node`
 * since Kubernetes 1.30 (KEP-4193). The header is `{ alg: 'RS256', kid }`, without a `typ`. `iss` is the issuer's.
 */
export function serviceAccountClaims(
  nowSeconds: number,
  {
    namespace,
    serviceAccount,
    audience,
  }: Readonly<Record<'namespace' | 'serviceAccount' | 'audience', string>>,
): Readonly<Record<string, unknown>> {
  return {
    aud: [audience],
    exp: nowSeconds + 3600,
    iat: nowSeconds,
    jti: randomUUID(),
    'kubernetes.io': {
      namespace,
      node: { name: 'node-1', uid: randomUUID() },
      pod: { name: `${serviceAccount}-6d5f7c9b8-x2x7k`, uid: randomUUID() },
      serviceaccount: { name: serviceAccount, uid: randomUUID() },
    },
    nbf: nowSeconds,
    sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
  };
}

/** Issues JWTs, and publishes its keys over HTTP. */
export class JwtIssuerServer {
  /** Those that it signs with and publishes, by algorithm. */
  private readonly keys = new Map<Algorithm, Key>();
  /** How often its keys were asked for. */
  fetches = 0;
  /** Authorization headers that it was sent. */
  readonly authorizations: (string | undefined)[] = [];
  /** Instead of its keys. */
  answer: ((response: ServerResponse) => void) | null = null;
  private readonly server: Server;
  private kids = 0;

  private constructor(readonly issuer: string) {
    this.server = createServer((request, response) => {
      this.fetches += 1;
      this.authorizations.push(request.headers.authorization);
      if (this.answer) this.answer(response);
      else response.end(JSON.stringify(this.jwks));
    });
  }

  static async start(issuer = 'https://issuer.example'): Promise<JwtIssuerServer> {
    const started = new JwtIssuerServer(issuer);
    for (const alg of ['RS256', 'ES256', 'EdDSA'] as const) await started.rotate(alg);
    await new Promise<void>((resolve) => started.server.listen(0, '127.0.0.1', resolve));
    return started;
  }

  get jwksUri(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}/jwks`;
  }

  get jwks(): JSONWebKeySet {
    return { keys: [...this.keys.values()].map(({ jwk }) => jwk) };
  }

  /** How it is configured, with its keys at their address. */
  section(more: Partial<JwtIssuerSection> = {}): JwtIssuerSection {
    return { issuer: this.issuer, audience: 'broker', jwksUri: this.jwksUri, ...more };
  }

  /** The same with its keys as they are now. */
  sectionWithKeys(): JwtIssuerSection {
    return { issuer: this.issuer, audience: 'broker', jwks: Secret.of(JSON.stringify(this.jwks)) };
  }

  /** The private key is gone from here on, and the public one is not published any more. */
  async rotate(alg: Algorithm): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const kid = `${alg}-${String((this.kids += 1))}`;
    this.keys.set(alg, {
      alg,
      kid,
      privateKey,
      jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    });
  }

  key(alg: Algorithm): Key {
    const key = this.keys.get(alg);
    if (!key) throw new Error(`no key for ${alg}`);
    return key;
  }

  /** With the claims of a token that is good for `orders`, unless they are given. `undefined` leaves one out. */
  sign(
    nowMs: number,
    claims: Readonly<Record<string, unknown>> = {},
    alg: Algorithm = 'ES256',
    header: object = {},
  ): Promise<string> {
    const { kid, privateKey } = this.key(alg);
    const now = Math.floor(nowMs / 1000);
    const payload = { iss: this.issuer, aud: 'broker', sub: 'orders', iat: now, exp: now + 600, ...claims };
    return new SignJWT(payload).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
