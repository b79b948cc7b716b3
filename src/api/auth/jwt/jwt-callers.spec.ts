import fc from 'fast-check';
import { createHmac, createPublicKey } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { JwtIssuerServer, serviceAccountClaims } from '../../../../test/support/jwt-issuer.js';
import { jwtWorld } from '../../../../test/support/jwt-world.js';
import { MAX_SEEN_MS } from './jwt-callers.js';

const AUDIENCE = 'broker';

describe('a JWT', () => {
  const world = jwtWorld();
  const { client, whose, now, seconds, sign } = world;

  it.each(['RS256', 'ES256', 'EdDSA'] as const)('signed with %s is its client', async (alg) => {
    expect(await whose(await sign({}, alg))).toBe('orders');
    expect(world.observer.refusals).toEqual([]);
  });

  it('of a ServiceAccount is the client that has it among its subjects', async () => {
    const account = { namespace: 'shop', serviceAccount: 'orders', audience: AUDIENCE };
    const claims = serviceAccountClaims(seconds(), account);
    expect(await whose(await sign(claims, 'RS256'))).toBe('pods');
    const another = serviceAccountClaims(seconds(), { ...account, namespace: 'club' });
    expect(await whose(await sign(another, 'RS256'))).toBe('subject: jwt_unknown_subject');
    // Of a pod that names several audiences.
    const both = { ...claims, aud: ['https://kubernetes.default.svc', AUDIENCE] };
    expect(await whose(await sign(both, 'RS256'))).toBe('pods');
  });

  it.each<[string, string, Parameters<typeof sign>]>([
    ['of another audience', 'audience: jwt_wrong_audience', [{ aud: 'another' }]],
    ['without an audience', 'audience: jwt_wrong_audience', [{ aud: undefined }]],
    ['of another issuer', 'issuer: jwt_rejected', [{ iss: 'https://issuer.example/' }]],
    ['without an issuer', 'issuer: jwt_rejected', [{ iss: undefined }]],
    ['without an end', 'malformed: jwt_rejected', [{ exp: undefined }]],
    ['without a subject', 'malformed: jwt_rejected', [{ sub: undefined }]],
    ['of a subject that is no client', 'subject: jwt_unknown_subject', [{ sub: 'ORDERS' }]],
    ['of an unknown key', 'unknown_key: jwt_rejected', [{}, 'ES256', { kid: 'other' }]],
    ['with the kid of a key of another kind', 'unknown_key: jwt_rejected', [{}, 'ES256', { kid: 'RS256-1' }]],
    ['with extensions', 'algorithm: jwt_rejected', [{}, 'ES256', { crit: ['b64'], b64: true }]],
  ])('%s is refused', async (_what, expected, [claims, ...rest]) => {
    expect(await whose(await sign(claims, ...rest))).toBe(expected);
    expect(world.observer.refusals).toHaveLength(1);
  });

  it('is good from 30 s before nbf until 30 s after exp, and not a second longer', async () => {
    const at = seconds();
    const answers = [];
    for (const claims of [
      { exp: at - 29 },
      { exp: at - 30 },
      { nbf: at + 30 },
      { nbf: at + 31 },
      { nbf: at - 1, exp: at + 1 },
    ]) {
      answers.push(await whose(await sign(claims)));
    }
    expect(answers).toEqual([
      'orders',
      'expired: jwt_expired',
      'orders',
      'not_yet_valid: jwt_rejected',
      'orders',
    ]);
  });

  it('that was good is refused once it has expired, whatever is remembered', async () => {
    const token = await sign({ exp: seconds() + 10 });
    expect(await whose(token)).toBe('orders');
    await world.clock.advance(39_000);
    expect(await whose(token)).toBe('orders');
    await world.clock.advance(1000);
    expect(await whose(token)).toBe('expired: jwt_expired');
  });

  it('without a signature is refused', async () => {
    const [, claims = ''] = (await sign()).split('.');
    const header = (alg: string) => Buffer.from(JSON.stringify({ alg })).toString('base64url');
    expect(await whose(`${header('none')}.${claims}.`)).toBe('malformed: jwt_rejected');
    expect(await whose(`${header('none')}.${claims}.AAAA`)).toBe('algorithm: jwt_rejected');
    expect(await whose(`${header('ES256')}.${claims}.`)).toBe('malformed: jwt_rejected');
  });

  it('signed with the public key as a shared secret is refused', async () => {
    const { jwk, kid } = world.server.key('RS256');
    const [, claims = ''] = (await sign()).split('.');
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    for (const secret of [pem, JSON.stringify(jwk), String(jwk.n)]) {
      const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid })).toString('base64url');
      const mac = createHmac('sha256', secret).update(`${header}.${claims}`).digest('base64url');
      expect(await whose(`${header}.${claims}.${mac}`)).toBe('algorithm: jwt_rejected');
    }
  });

  it('with a key of its own in its header is refused', async () => {
    const stranger = await JwtIssuerServer.start(world.server.issuer);
    const { jwk, kid } = stranger.key('ES256');
    const header = { jwk, jku: stranger.jwksUri, x5u: stranger.jwksUri };
    expect(await whose(await stranger.sign(now(), {}, 'ES256', { ...header, kid }))).toBe(
      'signature: jwt_rejected',
    );
    expect(stranger.fetches).toBe(0);
    await stranger.stop();
  });

  it('that is too long, or no JWT, is refused before anything is verified', async () => {
    const long = await sign({ padding: 'x'.repeat(9000) });
    expect(await whose(long)).toBe('too_long: jwt_rejected');
    expect(await whose(`eyJ${'A'.repeat(1_000_000)}.a.b`)).toBe('too_long: jwt_rejected');
    for (const text of [
      'eyJ.',
      'eyJhbGciOiJub25lIn0.e30',
      'eyJhIjox.a.b',
      'eyJbXQ.W10.AAAA',
      'eyJ9.eyJ9.%',
    ]) {
      expect(await whose(text)).toBe('malformed: jwt_rejected');
    }
    expect(world.server.fetches).toBe(0);
  });

  it('opens nothing after any change of its text', async () => {
    const tokens = await Promise.all((['RS256', 'ES256', 'EdDSA'] as const).map((alg) => sign({}, alg)));
    const letters = 'ABCabc019-_.=';
    const change = fc.tuple(
      fc.nat(),
      fc.constantFrom(...Array.from(letters)),
      fc.constantFrom('replace', 'insert', 'delete'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...tokens),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        async (token, changes) => {
          let changed = token;
          for (const [place, letter, how] of changes) {
            const at = place % changed.length;
            const kept = how === 'insert' ? at : at + 1;
            changed = changed.slice(0, at) + (how === 'delete' ? '' : letter) + changed.slice(kept);
          }
          const last = changed.lastIndexOf('.');
          // The spare bits of base64url's last letter say nothing: the text differs, and the signature does not.
          const isSame =
            changed.slice(0, last) === token.slice(0, last) &&
            Buffer.from(changed.slice(last + 1), 'base64url').equals(
              Buffer.from(token.slice(last + 1), 'base64url'),
            );
          fc.pre(!isSame);
          expect(await whose(changed)).not.toBe('orders');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('that was verified is known at once, and verified again after five minutes', async () => {
    const token = await sign({ exp: seconds() + 3600 });
    expect(await whose(token)).toBe('orders');
    const request = { headers: { authorization: `Bearer ${token}` }, socket: {} } as IncomingMessage;
    expect([world.callers.verify(request), world.callers.of(request).kind]).toEqual([undefined, 'ok']);
    await world.clock.advance(MAX_SEEN_MS);
    expect(world.callers.of(request).kind).toBe('unknown');
    expect(world.callers.verify(request)).toBeInstanceOf(Promise);
  });

  it('opens nothing in the place of an API key', async () => {
    const token = await sign();
    expect(await whose(token)).toBe('orders');
    expect(world.callers.ofKey(token).kind).toBe('unknown');
  });

  it('is whose the configuration says now, without its keys being fetched again', async () => {
    const token = await sign();
    const settings = (name: string, sub: string) => ({
      clients: [client(name, sub)],
      issuers: [world.server.section()],
    });
    expect(await whose(token)).toBe('orders');
    world.callers.replace(settings('others', 'orders'), ['shop']);
    expect(await whose(token)).toBe('others');
    world.callers.replace(settings('others', 'nobody'), ['shop']);
    expect(await whose(token)).toBe('subject: jwt_unknown_subject');
    world.callers.replace(
      {
        ...settings('orders', 'orders'),
        issuers: [{ issuer: world.server.issuer, jwksUri: world.server.jwksUri, audience: 'x' }],
      },
      ['shop'],
    );
    expect(await whose(token)).toBe('audience: jwt_wrong_audience');
    expect(world.server.fetches).toBe(0);
    world.callers.replace({ ...settings('orders', 'orders'), issuers: [] }, ['shop']);
    expect(await whose(token)).toBe('unknown');
  });
});
