import type { WechatSimulator } from '@access-token-broker/simulator';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { brokerConfig, gatewayClient, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { ConnectProxy } from './support/connect-proxy.js';
import { eventually } from './support/eventually.js';
import { NodeProcess } from './support/node-process.js';
import { startPlatform } from './support/start-platform.js';
import { tempFile } from './support/temp-file.js';
import { SELF_SIGNED } from './support/test-certificates.js';

const PASSWORD = 'pr0xy#P4ss/word@1';
const NEXT_PASSWORD = 'n3xt#P4ss/word@2';
const MINI = { name: 'mini', type: 'mini_program' as const, ...newApp() };
const FAIR = { name: 'fair', type: 'mini_program' as const, ...newApp() };
const CLUB = { name: 'club', ...newApp() };
const KEY = newApiKey();
const CALLS = newApiKey();

/** A platform with TLS, which notes where connections come from. */
async function startTls({
  url,
}: WechatSimulator): Promise<{ url: string; sources: string[]; close: () => void }> {
  const sources: string[] = [];
  const server = tls.createServer(SELF_SIGNED, (socket) => {
    sources.push(socket.remoteAddress ?? '');
    const behind = connect(Number(new URL(url).port), '127.0.0.1');
    socket.pipe(behind).pipe(socket);
    for (const side of [socket, behind]) side.on('error', () => undefined);
    socket.on('close', () => behind.destroy());
    behind.on('close', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = (server.address() as AddressInfo).port;
  return { url: `https://127.0.0.1:${String(port)}`, sources, close: () => server.close() };
}

describe('a broker whose way out is a proxy, but for one app', () => {
  let simulator: WechatSimulator;
  let platform: Awaited<ReturnType<typeof startTls>>;
  let proxy: ConnectProxy;
  let config: object;
  let passwordFile: string;
  let broker: BrokerProcess;

  beforeAll(async () => {
    simulator = await startPlatform({ apps: [MINI, FAIR, CLUB] });
    platform = await startTls(simulator);
    proxy = await ConnectProxy.start();
    proxy.login = `broker:${PASSWORD}`;
    const ca = tempFile(SELF_SIGNED.cert);
    passwordFile = tempFile(`${PASSWORD}\n`);
    config = brokerConfig({
      apps: [
        ...[MINI, FAIR].map((app) => ({ ...app, apiBaseUrl: platform.url })),
        {
          ...CLUB,
          apiBaseUrl: platform.url,
          more: { egress: { ca: { file: ca }, localAddress: '127.0.0.9' } },
        },
      ],
      keys: { orders: KEY },
      clients: [gatewayClient('calls', CALLS, ['GET /cgi-bin/getcallbackip'])],
      scopes: ['token:read', 'token:refresh', 'token:admin', 'login'],
      sections: {
        egress: {
          proxy: proxy.url,
          proxyUsername: 'broker',
          proxyPassword: { file: passwordFile },
          ca: { file: ca },
        },
      },
    });
    broker = await startBroker({ config, key: KEY });
    await broker.ready();
  }, 60_000);

  afterAll(() => {
    platform.close();
  });

  afterEach(() => {
    proxy.mood = 'open';
  });

  const newCode = (app = MINI): string => simulator.login.createCode({ appId: app.appId, user: 'mary' }).code;
  const logIn = (code: string, { name } = MINI) =>
    broker.post('/login/exchange', { app: name, js_code: code });
  const callGateway = ({ name } = MINI) => broker.get(`/gateway/${name}/cgi-bin/getcallbackip`, CALLS);
  const diagnose = async () => {
    const process = new NodeProcess('cli.js', ['diagnose', 'mini'], {
      BROKER_CONFIG: tempFile(JSON.stringify(config)),
    });
    await process.ended;
    return process.output;
  };

  it('sends fetches, logins and calls of the gateway through it, which reads none of them', async () => {
    const fetched = proxy.targets.length;
    expect(fetched).toBeGreaterThan(0);
    const token = await broker.token('mini');
    const code = newCode();
    expect(await logIn(code)).toMatchObject({ status: 200 });
    expect(proxy.targets.length).toBe(fetched + 1);
    expect(await callGateway()).toMatchObject({ status: 200 });
    expect(proxy.targets.length).toBe(fetched + 2);
    expect(new Set(proxy.targets)).toEqual(new Set([new URL(platform.url).host]));
    for (const secret of [MINI.appSecret, token, code, 'cgi-bin']) expect(proxy.seen).not.toContain(secret);
  });

  it('reaches the platform of the other app directly, from the address that it names', async () => {
    const tunnels = proxy.targets.length;
    const before = platform.sources.length;
    await broker.post('/token/refresh', { app: 'club', force: true });
    expect(platform.sources.slice(before)).toEqual(['127.0.0.9']);
    expect(proxy.targets.length).toBe(tunnels);
  });

  it('keeps the tunnel of a login for the next one', async () => {
    await logIn(newCode());
    const tunnels = proxy.targets.length;
    for (let more = 0; more < 3; more += 1) expect(await logIn(newCode())).toMatchObject({ status: 200 });
    expect(proxy.targets.length).toBe(tunnels);
  });

  it('takes another password of the proxy from its file, and uses it for the next connection', async () => {
    writeFileSync(passwordFile, NEXT_PASSWORD);
    proxy.login = `broker:${NEXT_PASSWORD}`;
    proxy.sever();
    await eventually('a login through the proxy', async () => (await logIn(newCode())).status === 200);
    expect(broker.output()).toContain('egress.proxyPassword: at_once');
  });

  it.each([
    [407, MINI, /status 407/, /proxyUsername and proxyPassword/],
    [502, FAIR, /status 502/, /cannot reach the platform/],
  ])(
    'says that the proxy answers %i, with its remedy, and has sent nothing',
    async (status, app, message, remedy) => {
      proxy.sever();
      proxy.mood = status;
      const code = newCode(app);
      expect(await logIn(code, app)).toMatchObject({ status: 503, body: { code: 'upstream_unavailable' } });
      const called = await callGateway(app);
      expect(called).toMatchObject({ status: 502, body: { code: 'upstream_unavailable' } });
      expect(called.body.detail).toMatch(message);
      await broker.post('/token/refresh', { app: app.name, force: true });
      const { text } = await broker.get('/apps');
      const apps = JSON.parse(text) as { app: string; last_error: { message: string; remedy: string } }[];
      const { last_error: error } = apps.find((one) => one.app === app.name) ?? {};
      expect(error?.message).toMatch(message);
      expect(error?.message).toContain(`the proxy ${proxy.address}`);
      expect(error?.remedy).toMatch(remedy);
      const found = await diagnose();
      expect(found).toMatch(/^OK {4}mini {2}TCP of the proxy: /m);
      expect(found).toMatch(/^FAIL {2}mini {2}tunnel: the proxy /m);
      expect(found).toMatch(remedy);

      proxy.mood = 'open';
      expect(await logIn(code, app)).toMatchObject({ status: 200 });
    },
  );

  it('is found good by diagnose', async () => {
    const found = await diagnose();
    expect(found).toMatch(/^OK {4}mini {2}tunnel: the proxy connects to /m);
    expect(found).toMatch(/^OK {4}mini {2}answer: errcode 41001/m);
    expect(found).not.toContain('FAIL');
    expect(found).not.toContain(NEXT_PASSWORD);
  });

  it('shows the password of the proxy to nobody', async () => {
    const shown = [
      broker.output(),
      (await broker.get('/apps')).text,
      (await broker.get('/metrics')).text,
    ].join('\n');
    expect(shown).toContain(proxy.address);
    for (const secret of [
      PASSWORD,
      encodeURIComponent(PASSWORD),
      NEXT_PASSWORD,
      Buffer.from(proxy.login ?? '').toString('base64'),
    ]) {
      expect(shown).not.toContain(secret);
    }
  });
});
