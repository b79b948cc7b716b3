import {
  allowInsecureRequests,
  clientCredentialsGrant,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
  type ClientAuth,
} from 'openid-client';
import { newApiKey, newApp } from './support/broker-config.js';
import { startWorld, type World } from './support/start-world.js';

/** One that this product did not make, with everything that has to be encoded. */
const FOREIGN_KEY = 'p+/=&"?%:key of somebody else, é, 4f1c0d9e7ab36258';
const KEY = newApiKey();
const SHOP = { name: 'shop', grant: 'classic' as const, ...newApp() };
const BLOCKED = { name: 'blocked', grant: 'classic' as const, ...newApp(), ipWhitelist: [] };

describe('POST /oauth2/token, with openid-client as it is', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld({
      apps: [SHOP, BLOCKED],
      keys: { orders: KEY, foreign: FOREIGN_KEY },
    });
    await world.broker.ready();
  });

  function library(app: string, key: string, authentication: (secret?: string) => ClientAuth): Configuration {
    const server = { issuer: world.broker.url, token_endpoint: `${world.broker.url}/oauth2/token` };
    const config = new Configuration(server, app, { client_secret: key }, authentication(key));
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so that nobody does without TLS in production
    allowInsecureRequests(config);
    return config;
  }

  it.each([
    ['in the header', KEY, ClientSecretBasic],
    ['in the body', KEY, ClientSecretPost],
    ['in the header, a key with characters that have to be encoded', FOREIGN_KEY, ClientSecretBasic],
    ['in the body, such a key', FOREIGN_KEY, ClientSecretPost],
  ])('gives the current token to a client that authenticates %s', async (_, key, authentication) => {
    const answer = await clientCredentialsGrant(library('shop', key, authentication));
    expect(answer.access_token).toBe(await world.broker.token('shop'));
    expect(world.simulator.verdict(answer.access_token)).toMatchObject({ valid: true, newest: true });
    expect(answer.token_type).toBe('bearer');
    // To the earliest planned rotation, and the time for which WeChat takes the one before.
    expect(answer.expires_in).toBeGreaterThan(6500);
    expect(answer.expires_in).toBeLessThan(7200);
  });

  it('takes the scope that there is', async () => {
    const answer = await clientCredentialsGrant(library('shop', KEY, ClientSecretPost), {
      scope: 'token:read',
    });
    expect(answer.access_token).toBe(await world.broker.token('shop'));
  });

  const refusalOf = async (ask: Promise<unknown>): Promise<unknown> => {
    try {
      return await ask;
    } catch (error) {
      return error;
    }
  };

  it('refuses a scope that there is not in words that the library knows', async () => {
    const ask = clientCredentialsGrant(library('shop', KEY, ClientSecretBasic), { scope: 'openid' });
    const refusal = await refusalOf(ask);
    expect(refusal).toBeInstanceOf(ResponseBodyError);
    expect(refusal).toMatchObject({ status: 400, error: 'invalid_scope' });
  });

  it.each([
    ['an unknown key', 'shop', newApiKey()],
    ['an unknown app', 'nope', KEY],
  ])('challenges a client with %s', async (_, app, key) => {
    const refusal = await refusalOf(clientCredentialsGrant(library(app, key, ClientSecretPost)));
    expect(refusal).toBeInstanceOf(WWWAuthenticateChallengeError);
    expect(refusal).toMatchObject({ status: 401, cause: [{ scheme: 'basic' }] });
  });

  it('says when to come back while there is no token', async () => {
    const refusal = await refusalOf(clientCredentialsGrant(library('blocked', KEY, ClientSecretPost)));
    const { cause } = refusal as { cause: Response };
    expect([cause.status, Number(cause.headers.get('retry-after'))]).toEqual([503, expect.any(Number)]);
    expect(await cause.json()).toMatchObject({ error: 'temporarily_unavailable', errcode: 40164 });
  });
});
