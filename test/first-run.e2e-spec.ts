import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './support/free-port.js';
import { ManualClock } from './support/manual-clock.js';
import { startPlatform } from './support/start-platform.js';
import { isFirstRun } from '../src/config/environment.js';
import { loadConfig } from '../src/config/load-config.js';
import { Redactor } from '../src/core/redaction/redactor.js';
import { SystemClock } from '../src/core/system-clock.js';
import { firstRun } from '../src/first-run/first-run.js';
import { Setup } from '../src/first-run/setup.js';

const ACCOUNT = { app_id: 'wx4f1e8a9b3c7d2560', app_secret: '0f1e2d3c4b5a69788796a5b4c3d2e1f0' };

type Json = Readonly<Record<string, unknown>>;

async function begin({ ipWhitelist }: { readonly ipWhitelist?: readonly string[] } = {}) {
  const { app_id: appId, app_secret: appSecret } = ACCOUNT;
  const platform = await startPlatform({ apps: [{ appId, appSecret, ...(ipWhitelist && { ipWhitelist }) }] });
  const folder = mkdtempSync(join(tmpdir(), 'first-run-'));
  const clock = new ManualClock();
  const port = await freePort();
  let printed = '';
  const env = { WECHAT_API_BASE_URL: platform.url };
  const setup = new Setup(env, folder, new Redactor(), new SystemClock());
  const done = firstRun({ setup, clock, port, out: (text) => (printed += text) });
  while (printed === '') await new Promise((resolve) => setTimeout(resolve, 5));
  const origin = `http://127.0.0.1:${String(port)}`;
  let cookie = '';
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${origin}/first-run/api/${path}`, {
      method: 'POST',
      headers: { origin, cookie, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Json };
  };
  return {
    platform,
    folder,
    clock,
    done,
    origin,
    post,
    code: /#([\w-]{43})\n/.exec(printed)?.[1] ?? '',
    /** As the browser that opened the link. */
    signIn: async (code: string) => {
      const answer = await post('session', { code });
      cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
      return answer;
    },
    end: async () => {
      await clock.advance(30 * 60_000);
      const isDone = await done;
      rmSync(folder, { recursive: true });
      return isDone;
    },
  };
}

describe('the first run', () => {
  it('writes a configuration that starts a broker, once the platform has given a token', async () => {
    const { signIn, code, post, folder, done, end, platform } = await begin();
    await signIn(code);
    expect((await post('finish', { app: 'shop', ...ACCOUNT })).body).toMatchObject({ code: 'not_checked' });
    expect((await post('check', ACCOUNT)).body).toMatchObject({ ok: true, expires_in: 7200 });
    const { status, body } = await post('finish', { app: 'shop', ...ACCOUNT });
    expect(status).toBe(200);
    expect(await done).toBe(true);
    const file = join(folder, 'broker.yaml');
    const { apps, clients } = loadConfig({ BROKER_CONFIG: file, WECHAT_API_BASE_URL: platform.url });
    expect(apps.map(({ name, appId, appSecret }) => [name, appId, appSecret.value()])).toEqual([
      ['shop', ACCOUNT.app_id, ACCOUNT.app_secret],
    ]);
    expect(clients.map(({ name }) => name)).toEqual(['services', 'operator']);
    expect(body.config_file).toBe(file);
    const { services, operator } = body.keys as Record<string, string>;
    const text = readFileSync(file, 'utf8');
    for (const secret of [ACCOUNT.app_secret, services, operator]) expect(text).not.toContain(secret);
    for (const path of [file, String(body.secret_file)]) expect(statSync(path).mode & 0o777).toBe(0o600);
    await end();
  });

  it.each<[string, Json, string]>([
    ['a wrong AppSecret', { ...ACCOUNT, app_secret: 'f'.repeat(32) }, '40125'],
    ['an AppID that the platform does not know', { ...ACCOUNT, app_id: 'wx0000000000000001' }, '40013'],
  ])('says what %s means and what to do', async (_, account, errcode) => {
    const { signIn, code, post, end } = await begin();
    await signIn(code);
    const { status, body } = await post('check', account);
    expect([status, body.ok, String(body.errcode)]).toEqual([200, false, errcode]);
    expect(String(body.remedy).length).toBeGreaterThan(20);
    await end();
  });

  it('names the address that the whitelist lacks', async () => {
    const { signIn, code, post, end } = await begin({ ipWhitelist: ['203.0.113.9'] });
    await signIn(code);
    expect((await post('check', ACCOUNT)).body).toMatchObject({
      ok: false,
      errcode: 40164,
      address: '127.0.0.1',
    });
    await end();
  });

  it.each<[string, Json, string]>([
    ['app_id', { ...ACCOUNT, app_id: 'not an id' }, 'check'],
    ['app_id', { ...ACCOUNT, app_id: 7 }, 'check'],
    ['app_secret', { ...ACCOUNT, app_secret: '' }, 'check'],
    ['app', { ...ACCOUNT, app: 'no name: [' }, 'finish'],
  ])('names the field %s that cannot be right, and writes nothing', async (field, body, path) => {
    const { signIn, code, post, end, folder } = await begin();
    await signIn(code);
    await post('check', ACCOUNT);
    const answer = await post(path, body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_request', field });
    for (const file of ['broker.yaml', 'broker.app-secret'])
      expect(existsSync(join(folder, file))).toBe(false);
    await end();
  });

  it('writes over no file', async () => {
    const { signIn, code, post, end, folder } = await begin();
    writeFileSync(join(folder, 'broker.app-secret'), 'mine');
    await signIn(code);
    await post('check', ACCOUNT);
    expect((await post('finish', { app: 'shop', ...ACCOUNT })).body).toMatchObject({ code: 'file_exists' });
    expect(readFileSync(join(folder, 'broker.app-secret'), 'utf8')).toBe('mine');
    expect(existsSync(join(folder, 'broker.yaml'))).toBe(false);
    await end();
  });

  it('is for the one browser that opened the link first', async () => {
    const { signIn, code, post, end } = await begin();
    expect((await post('check', ACCOUNT)).status).toBe(401);
    expect((await signIn('another')).status).toBe(403);
    const { status, headers } = await signIn(code);
    expect(status).toBe(200);
    expect(headers.get('set-cookie')).toMatch(/; Path=\/first-run; HttpOnly; SameSite=Strict$/);
    expect((await post('session', { code }, { cookie: '' })).status).toBe(403);
    expect((await post('check', ACCOUNT)).status).toBe(200);
    await end();
  });

  it('takes nothing from a page elsewhere, nor under another name', async () => {
    const { signIn, code, post, origin, end } = await begin();
    await signIn(code);
    expect((await post('check', ACCOUNT, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await post('check', ACCOUNT, { 'content-type': 'text/plain' })).status).toBe(415);
    const rebound = await rawGet(origin, 'evil.example');
    expect(rebound).toMatch(/^HTTP\/1\.1 403 /);
    await end();
  });

  it('is reached through the loopback address alone', async () => {
    const { origin, end } = await begin();
    const { port } = new URL(origin);
    expect((await fetch(`${origin}/first-run`)).status).toBe(200);
    // Another address of this machine, as each of 127.0.0.0/8 is.
    await expect(fetch(`http://127.0.0.2:${port}/first-run`)).rejects.toThrow('fetch failed');
    await end();
  });

  it('ends without a configuration after half an hour', async () => {
    const { end } = await begin();
    expect(await end()).toBe(false);
  });

  it.each<[boolean, NodeJS.ProcessEnv]>([
    [true, {}],
    [true, { WECHAT_API_BASE_URL: 'http://127.0.0.1:9100', PORT: '8081' }],
    [false, { NODE_ENV: 'production' }],
    [false, { BROKER_CONFIG: 'broker.yaml' }],
    [false, { BROKER_APP_SECRET_FILE: '/run/secrets/shop' }],
    [false, { BROKER_API_KEY: 'tbk_x' }],
  ])('is offered: %s with %j', (expected, env) => {
    expect(isFirstRun(env)).toBe(expected);
  });
});

async function rawGet(origin: string, host: string): Promise<string> {
  const { connect } = await import('node:net');
  const { port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.end(`GET /first-run HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.once('close', () => {
      resolve(text);
    });
    socket.once('error', reject);
  });
}
