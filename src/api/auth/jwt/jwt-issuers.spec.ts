import type { JwtIssuerServer } from '../../../../test/support/jwt-issuer.js';
import { aMoment, jwtWorld } from '../../../../test/support/jwt-world.js';
import { MAX_SEEN_MS } from './jwt-callers.js';

const PAUSE_MS = 30_000;

describe('the keys of an issuer of JWTs', () => {
  const world = jwtWorld();
  const { start, whose, seconds, sign } = world;

  it('a flood of unknown kids fetches them once in 30 s', async () => {
    await world.clock.advance(PAUSE_MS);
    const flood = await Promise.all(
      Array.from({ length: 200 }, (_, index) => sign({}, 'ES256', { kid: `k${String(index)}` })),
    );
    const answers = new Set(await Promise.all(flood.map(whose)));
    expect([...answers]).toEqual(['unknown_key: jwt_rejected']);
    expect(world.server.fetches).toBe(1);
    await world.clock.advance(PAUSE_MS - 1);
    await whose(flood[0] ?? '');
    expect(world.server.fetches).toBe(1);
    await world.clock.advance(1);
    await whose(flood[0] ?? '');
    expect(world.server.fetches).toBe(2);
  });

  it('are fetched again for a new one', async () => {
    await world.server.rotate('ES256');
    expect(await whose(await sign())).toBe('unknown_key: jwt_rejected');
    await world.clock.advance(PAUSE_MS);
    expect(await whose(await sign())).toBe('orders');
  });

  it('are used on while they cannot be had, and a new one is asked for again', async () => {
    world.server.answer = (response) => response.writeHead(500).end();
    await world.clock.advance(3_600_000);
    expect(await whose(await sign())).toBe('orders');
    await world.server.rotate('EdDSA');
    await world.clock.advance(PAUSE_MS);
    const fresh = await sign({}, 'EdDSA');
    expect(await whose(fresh)).toBe('keys_unavailable: jwt_keys_unavailable');
    expect(world.observer.unavailable.at(-1)).toBe('https://issuer.example: it answered 500');
    world.server.answer = null;
    await world.clock.advance(PAUSE_MS);
    expect(await whose(fresh)).toBe('orders');
  });

  it('that were never had make a JWT wait, not wrong', async () => {
    world.server.answer = (response) => response.destroy();
    await start();
    expect(await whose(await sign())).toBe('keys_unavailable: jwt_keys_unavailable');
    world.server.answer = null;
    await world.clock.advance(PAUSE_MS);
    expect(await whose(await sign())).toBe('orders');
  });

  it('that were taken back open nothing within 15 minutes, though the JWT was good', async () => {
    const token = await sign({ exp: seconds() + 86_400 });
    expect(await whose(token)).toBe('orders');
    await world.server.rotate('ES256');
    await world.clock.advance(600_000);
    const { length } = world.observer.read;
    await whose(token);
    while (world.observer.read.length === length) await aMoment();
    await world.clock.advance(MAX_SEEN_MS);
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
    world.server.answer = answer(world.server);
    await start();
    expect(world.observer.unavailable).toEqual([`https://issuer.example: ${expected}`]);
    expect(await whose(await sign())).toBe('keys_unavailable: jwt_keys_unavailable');
  });

  it('are waited for 5 s at most', async () => {
    world.server.answer = (response) => response.write('{"keys":');
    const started = start();
    while (world.server.fetches === 0) await aMoment();
    const answer = whose(await sign());
    await world.clock.advance(5000);
    await started;
    expect(await answer).toBe('keys_unavailable: jwt_keys_unavailable');
    expect(world.observer.unavailable).toEqual(['https://issuer.example: it did not answer within 5 s']);
  });
});
