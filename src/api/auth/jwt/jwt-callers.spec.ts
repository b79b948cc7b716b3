import fc from 'fast-check';
import { createHmac, createPublicKey } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { FakeIdentityObserver } from '../../../../test/support/fake-identity-observer.js';
import { JwtIssuerServer } from '../../../../test/support/jwt-issuer.js';
import { ManualClock } from '../../../../test/support/manual-clock.js';
import { Callers, type CallerSettings } from '../callers.js';
import { MAX_SEEN_MS } from './jwt-callers.js';

const AUDIENCE = 'broker';
const PAUSE_MS = 30_000;

const aMoment = () => new Promise((resolve) => setTimeout(resolve, 1));

describe('a JWT', () => {
  let server: JwtIssuerServer;
  let clock: ManualClock;
  let observer: FakeIdentityObserver;
  let callers: Callers;

  beforeAll(async () => {
    server = await JwtIssuerServer.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    clock = new ManualClock();
    observer = new FakeIdentityObserver();
    server.answer = null;
    await start();
    server.fetches = 0;
  });

  const client = (name: string, sub: string): CallerSettings['clients'][number] => ({
    name,
    apps: '*',
    scopes: ['token:read'],
    subjects: [{ issuer: server.issuer, sub }],
  });

  /** Resolves when the keys were asked for. */
  async function start(): Promise<void> {
    const told = observer.read.length + observer.unavailable.length;
    callers = new Callers(
      {
        clients: [client('orders', 'orders'), client('pods', 'system:serviceaccount:shop:orders')],
        issuers: [server.section()],
      },
      ['shop'],
      clock,
      observer,
    );
    while (observer.read.length + observer.unavailable.length === told) {
      await aMoment();
    }
  }

  /** As a request is handled: whose it is, after its JWT was verified. */
  async function whose(token: string): Promise<string> {
    const request = { headers: { authorization: `Bearer ${token}` }, socket: {} } as IncomingMessage;
    await callers.verify(request);
    const who = callers.of(request);
    if (who.kind === 'ok') return who.client.name;
    return who.kind === 'refused' ? `${who.refusal.reason}: ${who.problem.code}` : who.kind;
  }

  const now = () => clock.wallMs();
  const seconds = () => Math.floor(now() / 1000);
  const sign = (
    ...rest: Parameters<JwtIssuerServer['sign']> extends [number, ...infer Rest] ? Rest : never
  ) => server.sign(now(), ...rest);

  it.each(['RS256', 'ES256', 'EdDSA'] as const)('signed with %s is its client', async (alg) => {
    expect(await whose(await sign({}, alg))).toBe('orders');
    expect(observer.refusals).toEqual([]);
  });

  it('of a ServiceAccount is the client that has it among its subjects', async () => {
    const claims = {
      sub: 'system:serviceaccount:shop:orders',
      aud: ['https://kubernetes.default.svc', AUDIENCE],
      'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'orders', uid: 'u' } },
    };
    expect(await whose(await sign(claims, 'RS256'))).toBe('pods');
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
    expect(observer.refusals).toHaveLength(1);
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
    await clock.advance(39_000);
    expect(await whose(token)).toBe('orders');
    await clock.advance(1000);
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
    const { jwk, kid } = server.key('RS256');
    const [, claims = ''] = (await sign()).split('.');
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    for (const secret of [pem, JSON.stringify(jwk), String(jwk.n)]) {
      const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid })).toString('base64url');
      const mac = createHmac('sha256', secret).update(`${header}.${claims}`).digest('base64url');
      expect(await whose(`${header}.${claims}.${mac}`)).toBe('algorithm: jwt_rejected');
    }
  });

  it('with a key of its own in its header is refused', async () => {
    const stranger = await JwtIssuerServer.start(server.issuer);
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
    expect(server.fetches).toBe(0);
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
    expect([callers.verify(request), callers.of(request).kind]).toEqual([undefined, 'ok']);
    await clock.advance(MAX_SEEN_MS);
    expect(callers.of(request).kind).toBe('unknown');
    expect(callers.verify(request)).toBeInstanceOf(Promise);
  });

  it('opens nothing in the place of an API key', async () => {
    const token = await sign();
    expect(await whose(token)).toBe('orders');
    expect(callers.ofKey(token).kind).toBe('unknown');
  });

  it('is whose the configuration says now, without its keys being fetched again', async () => {
    const token = await sign();
    const settings = (name: string, sub: string) => ({
      clients: [client(name, sub)],
      issuers: [server.section()],
    });
    expect(await whose(token)).toBe('orders');
    callers.replace(settings('others', 'orders'), ['shop']);
    expect(await whose(token)).toBe('others');
    callers.replace(settings('others', 'nobody'), ['shop']);
    expect(await whose(token)).toBe('subject: jwt_unknown_subject');
    callers.replace(
      {
        ...settings('orders', 'orders'),
        issuers: [{ issuer: server.issuer, jwksUri: server.jwksUri, audience: 'x' }],
      },
      ['shop'],
    );
    expect(await whose(token)).toBe('audience: jwt_wrong_audience');
    expect(server.fetches).toBe(0);
    callers.replace({ ...settings('orders', 'orders'), issuers: [] }, ['shop']);
    expect(await whose(token)).toBe('unknown');
  });

  describe('and the keys of its issuer', () => {
    it('a flood of unknown kids fetches them once in 30 s', async () => {
      await clock.advance(PAUSE_MS);
      const flood = await Promise.all(
        Array.from({ length: 200 }, (_, index) => sign({}, 'ES256', { kid: `k${String(index)}` })),
      );
      const answers = new Set(await Promise.all(flood.map(whose)));
      expect([...answers]).toEqual(['unknown_key: jwt_rejected']);
      expect(server.fetches).toBe(1);
      await clock.advance(PAUSE_MS - 1);
      await whose(flood[0] ?? '');
      expect(server.fetches).toBe(1);
      await clock.advance(1);
      await whose(flood[0] ?? '');
      expect(server.fetches).toBe(2);
    });

    it('are fetched again for a new one', async () => {
      await server.rotate('ES256');
      expect(await whose(await sign())).toBe('unknown_key: jwt_rejected');
      await clock.advance(PAUSE_MS);
      expect(await whose(await sign())).toBe('orders');
    });

    it('are used on while they cannot be had, and a new one is asked for again', async () => {
      server.answer = (response) => response.writeHead(500).end();
      await clock.advance(3_600_000);
      expect(await whose(await sign())).toBe('orders');
      await server.rotate('EdDSA');
      await clock.advance(PAUSE_MS);
      const fresh = await sign({}, 'EdDSA');
      expect(await whose(fresh)).toBe('keys_unavailable: jwt_keys_unavailable');
      expect(observer.unavailable.at(-1)).toBe('https://issuer.example: it answered 500');
      server.answer = null;
      await clock.advance(PAUSE_MS);
      expect(await whose(fresh)).toBe('orders');
    });

    it('that were never had make a JWT wait, not wrong', async () => {
      server.answer = (response) => response.destroy();
      await start();
      expect(await whose(await sign())).toBe('keys_unavailable: jwt_keys_unavailable');
      server.answer = null;
      await clock.advance(PAUSE_MS);
      expect(await whose(await sign())).toBe('orders');
    });

    it('that were taken back open nothing within 15 minutes, though the JWT was good', async () => {
      const token = await sign({ exp: seconds() + 86_400 });
      expect(await whose(token)).toBe('orders');
      await server.rotate('ES256');
      await clock.advance(600_000);
      const { length } = observer.read;
      await whose(token);
      while (observer.read.length === length) await aMoment();
      await clock.advance(MAX_SEEN_MS);
      expect(await whose(token)).toBe('unknown_key: jwt_rejected');
    });

    it.each<[string, string, (server: JwtIssuerServer) => NonNullable<JwtIssuerServer['answer']>]>([
      [
        'has 10,000 keys',
        'its answer is larger than 64 KiB',
        (keys) => (response) =>
          response.end(JSON.stringify({ keys: Array(10_000).fill(keys.key('ES256').jwk) })),
      ],
      [
        'has 101 small keys',
        'its answer must have 1 to 100 keys, got 101',
        () => (response) => response.end(JSON.stringify({ keys: Array(101).fill({ kty: 'EC' }) })),
      ],
      [
        'is no JSON',
        'its answer must be a JWKS: JSON such as {"keys": […]}',
        () => (response) => response.end('<p>'),
      ],
      [
        'holds a private key',
        'its answer must have public keys only: this one holds a private or a shared key; take it out, and replace it at its issuer',
        () => (response) => response.end('{"keys":[{"kty":"oct","k":"AAAA"}]}'),
      ],
      [
        'is elsewhere',
        'it answered 302',
        (keys) => (response) => response.writeHead(302, { location: keys.jwksUri }).end(),
      ],
    ])('are not taken from a JWKS that %s', async (_what, expected, answer) => {
      server.answer = answer(server);
      await start();
      expect(observer.unavailable).toEqual([`https://issuer.example: ${expected}`]);
      expect(await whose(await sign())).toBe('keys_unavailable: jwt_keys_unavailable');
    });

    it('are waited for 5 s at most', async () => {
      server.answer = (response) => response.write('{"keys":');
      const started = start();
      while (server.fetches === 0) await aMoment();
      const answer = whose(await sign());
      await clock.advance(5000);
      await started;
      expect(await answer).toBe('keys_unavailable: jwt_keys_unavailable');
      expect(observer.unavailable).toEqual(['https://issuer.example: it did not answer within 5 s']);
    });
  });
});
