import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { createPkce, LoginClient, LoginClientError } from '@access-token-broker/client';
import { transformSync } from '@swc/core';
import { newApiKey, newApp } from './support/broker-config.js';
import { eventually } from './support/eventually.js';
import { freePort } from './support/free-port.js';
import { OwnProcess } from './support/own-process.js';
import { startWorld, type World } from './support/start-world.js';

const ROOT = join(import.meta.dirname, '..');
const KEY = newApiKey();
const BACK = 'https://shop.example/back';
const HOSTED_AT = 'https://login.example';
const EXCHANGE = '/sns/oauth2/access_token';
/** The examples of docs/client.md, in its order. */
const FRAMEWORKS = ['Express', 'Fastify', 'Nest'] as const;
type Framework = (typeof FRAMEWORKS)[number];

const shop = newApp();
const mini = { name: 'mini', ...newApp(), type: 'mini_program' as const };
const hosted = newApp();
/** Of the examples. */
const ports = new Map<Framework, number>();
let world: World;

beforeAll(async () => {
  for (const framework of FRAMEWORKS) ports.set(framework, await freePort());
  const own = [...ports.values()].map((port) => `http://127.0.0.1:${String(port)}/back`);
  const web = (name: string, login: object) => ({
    name,
    more: { login: { redirectUris: [BACK, ...own], ...login } },
  });
  world = await startWorld({
    apps: [
      { ...shop, ...web('shop', {}) },
      mini,
      { ...hosted, ...web('hosted', { callbackBaseUrl: HOSTED_AT }) },
    ],
    keys: { web: KEY },
    scopes: ['login', 'login:tokens', 'login:session-key'],
  });
});

const client = (app: string, apiKey = KEY) => new LoginClient({ url: world.broker.url, apiKey, app });

/** The user consents; gives where the browser is sent next. */
async function consent(authorizeUrl: string, user = 'mary'): Promise<URL> {
  const { pathname, search } = new URL(authorizeUrl);
  const headers = { 'x-sim-user': user };
  const answer = await fetch(world.simulator.url + pathname + search, { redirect: 'manual', headers });
  return new URL(answer.headers.get('location') ?? '');
}

const parameter = (url: URL, name: string): string | undefined => url.searchParams.get(name) ?? undefined;

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  const failure = await call.catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(LoginClientError);
  return failure;
}

describe('LoginClient', () => {
  it('logs a user in on a web page, tells who it is, and forgets it', async () => {
    const logins = client('shop');
    const { url, binding } = await logins.authorizeUrl({ redirectUri: BACK, scope: 'snsapi_userinfo' });
    const back = await consent(url);
    const answer = { code: parameter(back, 'code'), state: parameter(back, 'state'), binding };
    const login = await logins.exchange(answer);
    expect(login).toMatchObject({ scope: ['snsapi_userinfo'], snapshot: false });
    expect(await logins.exchange(answer)).toEqual(login);
    const session = login.session ?? '';
    expect(await logins.userinfo(session)).toMatchObject({ openid: login.openid });
    expect(await logins.tokens(session)).toMatchObject({ openid: login.openid, scope: login.scope });
    await logins.logout(session);
    expect(await failureOf(logins.userinfo(session))).toMatchObject({
      code: 'session_unknown',
      action: 'reauthorize',
      status: 404,
    });
  });

  it('takes a PKCE verifier instead of a binding, and only the right one', async () => {
    const logins = client('shop');
    const { codeVerifier, codeChallenge } = await createPkce();
    const { url } = await logins.authorizeUrl({ redirectUri: BACK, codeChallenge });
    const back = await consent(url);
    const answer = { code: parameter(back, 'code'), state: parameter(back, 'state') };
    const other = await createPkce();
    const wrong = logins.exchange({ ...answer, codeVerifier: other.codeVerifier });
    expect(await failureOf(wrong)).toMatchObject({ code: 'state_mismatch', action: 'reauthorize' });
    expect(await logins.exchange({ ...answer, codeVerifier })).toMatchObject({ scope: ['snsapi_base'] });
  });

  it('redeems the ticket of a hosted callback', async () => {
    const logins = client('hosted');
    const { url, binding } = await logins.authorizeUrl({ redirectUri: BACK });
    const { origin, pathname, search } = await consent(url);
    expect(origin).toBe(HOSTED_AT);
    const landed = await fetch(world.broker.url + pathname + search, { redirect: 'manual' });
    const ticket = parameter(new URL(landed.headers.get('location') ?? ''), 'ticket');
    expect(await logins.redeem({ ticket, binding })).toMatchObject({ scope: ['snsapi_base'] });
  });

  it('logs a user of a mini program in, and opens what is encrypted for it', async () => {
    const logins = client('mini');
    const { appId } = mini;
    const { code, openid } = world.simulator.login.createCode({ appId, user: 'mary' });
    const login = await logins.exchangeJsCode(code);
    expect(login.openid).toBe(openid);
    const session = login.session ?? '';
    expect(await logins.checkSession(session)).toBe(true);
    expect(Buffer.from(await logins.sessionKey(session), 'base64')).toHaveLength(16);
    const sealed = world.simulator.login.encrypt({ appId, user: 'mary', data: { city: '深圳' } });
    expect(await logins.decrypt(session, sealed.encrypted_data, sealed.iv)).toMatchObject({ city: '深圳' });
    const phone = world.simulator.login.createPhoneCode({ appId, user: 'mary' });
    expect(await logins.phone(phone.code, openid)).toMatchObject({
      purePhoneNumber: expect.any(String) as string,
    });
  });

  it('says of each failure what to do', async () => {
    const code = 'a'.repeat(32);
    const elsewhere = client('shop').authorizeUrl({ redirectUri: 'https://evil.example/' });
    expect(await failureOf(elsewhere)).toMatchObject({
      code: 'redirect_uri_not_allowed',
      action: 'fix_request',
    });
    expect(await failureOf(client('mini').exchangeJsCode(code))).toMatchObject({
      code: 'code_invalid',
      action: 'reauthorize',
      errcode: 40029,
    });
    expect(await failureOf(client('mini').exchangeJsCode(code))).toMatchObject({ action: 'reauthorize' });
    const wrongKey = await failureOf(client('mini', newApiKey()).exchangeJsCode(code));
    expect(wrongKey).toMatchObject({ code: 'unauthorized', status: 401, action: undefined });
  });

  it('sends no code a second time after the platform gave no answer', async () => {
    const logins = client('shop');
    const { url, binding } = await logins.authorizeUrl({ redirectUri: BACK });
    const back = await consent(url);
    const code = parameter(back, 'code');
    world.simulator.addFault({ appId: shop.appId, path: EXCHANGE, reset: 'after' });
    const lost = logins.exchange({ code, state: parameter(back, 'state'), binding });
    expect(await failureOf(lost)).toMatchObject({ code: 'exchange_outcome_unknown', action: 'reauthorize' });
    expect(world.simulator.login.codes().find((one) => one.code === code)?.sent).toBe(1);
  });
});

describe('the example of docs/client.md', () => {
  /** Where modules of this repository are found. */
  let folder: string;

  beforeAll(async () => {
    mkdirSync(join(ROOT, 'node_modules', '.cache'), { recursive: true });
    folder = mkdtempSync(join(ROOT, 'node_modules', '.cache', 'examples-'));
    const page = readFileSync(join(ROOT, 'docs', 'client.md'), 'utf8');
    const blocks = Array.from(page.matchAll(/^```(?:js|typescript)\n(.*?)^```$/gms), ([, code = '']) => code);
    expect(blocks).toHaveLength(FRAMEWORKS.length);
    await Promise.all(FRAMEWORKS.map((framework, index) => run(framework, blocks[index] ?? '')));
  }, 30_000);
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const urlOf = (framework: Framework): string => `http://127.0.0.1:${String(ports.get(framework))}`;

  /** As it is printed: types and decorators are compiled, nothing else. */
  async function run(framework: Framework, code: string): Promise<void> {
    const file = join(folder, `${framework}.mjs`);
    const jsc = {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    } as const;
    writeFileSync(file, transformSync(code, { configFile: false, swcrc: false, jsc }).code);
    const url = urlOf(framework);
    const env = {
      BROKER_URL: world.broker.url,
      BROKER_API_KEY: KEY,
      REDIRECT_URI: `${url}/back`,
      PORT: String(ports.get(framework)),
    };
    const service = new OwnProcess(execPath, [file], { cwd: ROOT, env });
    await eventually(
      `${framework} listening`,
      async () => {
        if (!service.isRunning) throw new Error(service.output);
        return fetch(`${url}/nothing`).then(
          () => true,
          () => false,
        );
      },
      20_000,
    );
  }

  /** The browser at the shop, up to the callback. */
  async function arrive(framework: Framework): Promise<{ back: URL; cookie: string }> {
    const begun = await fetch(`${urlOf(framework)}/login`, { redirect: 'manual' });
    expect(begun.status).toBe(303);
    const [set = ''] = begun.headers.getSetCookie();
    expect(set).toMatch(/^login=[^;]+;(?=.*HttpOnly)(?=.*SameSite=Lax)(?=.*Max-Age=600)/);
    const [cookie = ''] = set.split(';');
    return { back: await consent(begun.headers.get('location') ?? ''), cookie };
  }

  const open = (back: URL, cookie: string) => fetch(back, { redirect: 'manual', headers: { cookie } });

  it.each(FRAMEWORKS)(
    'logs a user in with %s, and again when the callback is reloaded',
    async (framework) => {
      const { back, cookie } = await arrive(framework);
      for (const once of [await open(back, cookie), await open(back, `a=b; ${cookie}`)]) {
        expect([once.status, once.headers.get('location')]).toEqual([
          303,
          expect.stringMatching(/^\/\?hello=o/),
        ]);
      }
    },
  );

  it.each(FRAMEWORKS)(
    'lets no other browser end a login with %s, and nobody without a code',
    async (framework) => {
      const [{ back }, other] = [await arrive(framework), await arrive(framework)];
      const stolen = await open(back, other.cookie);
      expect([stolen.status, await stolen.text()]).toEqual([400, expect.stringContaining('state_mismatch')]);
      other.back.searchParams.delete('code');
      const refused = await open(other.back, other.cookie);
      expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('code_missing')]);
    },
  );
});
