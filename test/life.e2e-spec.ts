import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readVersion } from '../src/observability/read-version.js';
import { awaitedLater } from './support/awaited-later.js';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { freePort } from './support/free-port.js';
import { request } from './support/http-client.js';
import { NodeProcess } from './support/node-process.js';
import { OwnProcess } from './support/own-process.js';
import { startPlatform } from './support/start-platform.js';
import { startWorld } from './support/start-world.js';
import { tempFile } from './support/temp-file.js';

const ROOT = join(import.meta.dirname, '..');
const SHOP = { name: 'shop', ...newApp() };

describe('a start', () => {
  it('serves the first token within seconds, configured by the environment alone', async () => {
    const simulator = await startPlatform({ apps: [SHOP] });
    const key = newApiKey();
    const startMs = performance.now();
    const broker = await startBroker({
      env: {
        BROKER_APP_ID: SHOP.appId,
        BROKER_APP_SECRET: SHOP.appSecret,
        BROKER_GRANT: 'stable',
        BROKER_API_KEY: key,
        WECHAT_API_BASE_URL: simulator.url,
      },
      throughCli: true,
      key,
    });
    const token = await broker.token();
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect(simulator.verdict(token).valid).toBe(true);
  }, 15_000);

  it('with a faulty configuration ends with 1 and names every fault, but shows no secret', async () => {
    const [misspelt, key] = [newApp().appSecret, newApiKey()];
    const config = {
      server: { port: 'eighty', logLevel: 'loud' },
      apps: [
        { name: 'shop', appId: SHOP.appId, appSecret: { file: '/nowhere/secret' }, grant: 'implicit' },
        { name: 'shop', appId: SHOP.appId, appSecrt: misspelt, refresh: { leaseSeconds: 3 } },
      ],
      clients: [{ name: 'orders', keySha256: [key], apps: ['shops'], scopes: ['token:write'] }],
    };
    const process = new NodeProcess('main.js', [], { BROKER_CONFIG: tempFile(JSON.stringify(config)) });

    expect(await process.ended).toBe(1);
    expect(process.stdout).toBe('');
    for (const path of [
      'server.port',
      'server.logLevel',
      'apps[0].appSecret',
      'apps[0].grant',
      'apps[1].name',
      'apps[1].appSecret',
      'apps[1].appSecrt',
      'apps[1].refresh.leaseSeconds',
      'clients[0].keySha256[0]',
      'clients[0].apps[0]',
      'clients[0].scopes[0]',
    ]) {
      expect(process.stderr).toContain(`${path}: `);
    }
    expect(process.stderr).not.toContain(misspelt);
    expect(process.stderr).not.toContain(key);
  }, 15_000);

  it('on a port in use ends with 1 and says so', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const config = brokerConfig({
      apps: [{ ...SHOP, apiBaseUrl: 'http://127.0.0.1:1' }],
      keys: { orders: newApiKey() },
      server: { port },
    });
    const process = new NodeProcess('main.js', [], { BROKER_CONFIG: tempFile(JSON.stringify(config)) });

    expect(await process.ended).toBe(1);
    expect(process.stderr).toBe('');
    expect(JSON.parse(process.stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      level: 'fatal',
      event: 'process.start_failed',
      msg: `could not start: listen EADDRINUSE: address already in use 127.0.0.1:${String(port)}; another process has this port: end that one, or choose another with PORT or server.port`,
    });
    other.close();
  }, 15_000);

  it.each(['info', 'silent'])(
    'that fails shows no secret in what it says about it, at log level %s',
    async (logLevel) => {
      const config = brokerConfig({
        apps: [{ ...SHOP, apiBaseUrl: 'http://127.0.0.1:1' }],
        keys: { orders: newApiKey() },
        server: { logLevel, host: `${SHOP.appSecret}.invalid` },
      });
      const process = new NodeProcess('main.js', [], { BROKER_CONFIG: tempFile(JSON.stringify(config)) });

      expect(await process.ended).toBe(1);
      expect(process.output).toMatch(/could not start: getaddrinfo E\w+ \[redacted\]\.invalid/);
      expect(process.output).not.toContain(SHOP.appSecret);
    },
    15_000,
  );
});

describe('standard output that takes no lines', () => {
  it('does not end the broker, which says so on standard error, once', async () => {
    const port = await freePort();
    const env = {
      BROKER_APP_ID: SHOP.appId,
      BROKER_APP_SECRET: SHOP.appSecret,
      BROKER_API_KEY: newApiKey(),
      WECHAT_API_BASE_URL: 'http://127.0.0.1:1',
      HOST: '127.0.0.1',
      PORT: String(port),
    };
    const command = 'exec node dist/cli.js serve > /dev/full';
    const onFullDisk = new OwnProcess('sh', ['-c', command], { cwd: ROOT, env });
    const live = () => request(`http://127.0.0.1:${String(port)}/health/live`).catch(() => undefined);
    expect((await eventually('an answer', live, 20_000)).status).toBe(200);
    expect(onFullDisk.output).toBe(
      'access-token-broker: standard output takes no lines (ENOSPC); until it does, the log is lost and the broker serves on.\n',
    );
  }, 30_000);

  it('is a failure of a command that prints what somebody wants to keep', async () => {
    const command = 'node dist/cli.js keygen > /dev/full || echo "exit code $?"';
    const onFullDisk = new OwnProcess('sh', ['-c', command], { cwd: ROOT });
    await onFullDisk.ended;
    expect(onFullDisk.output).toMatch(/ENOSPC[^]*exit code 1/);
  });

  it('is none of a command whose reader has seen enough', async () => {
    const command = 'node dist/cli.js keygen | true; node dist/cli.js check --help | head -c 5';
    const read = new OwnProcess('sh', ['-c', command], { cwd: ROOT });
    await read.ended;
    expect(read.output).toBe('usage');
  });
});

describe('readiness', () => {
  it('waits for a platform that is down at the start, and then outlives it', async () => {
    const { simulator, broker } = await startWorld({
      apps: [SHOP],
      platform: { expiresInSeconds: 1 },
      before: (platform) => {
        platform.addFault({ times: 0, reset: 'before' });
      },
    });
    await eventually('a failed fetch', () => simulator.calls().log.length > 0);
    const early = await broker.get('/health/ready');
    expect(early.status).toBe(503);
    expect(early.body).toMatchObject({ code: 'starting', apps: [{ app: 'shop', state: 'pending' }] });
    expect(early.headers.get('retry-after')).toBe('1');
    expect((await broker.get('/health/live')).status).toBe(200);

    simulator.clearFaults();
    await broker.ready();

    simulator.addFault({ times: 0, reset: 'before' });
    await eventually('expired', async () => (await broker.get('/token')).status === 503);
    // The states are worked out once a second.
    const late = await eventually('the state', async () => {
      const answer = await broker.get('/health/ready');
      return answer.text.includes('expired') ? answer : undefined;
    });
    expect(late.status).toBe(200);
    expect(late.body).toEqual({ status: 'ready', apps: [{ app: 'shop', state: 'expired' }] });
  }, 20_000);
});

describe('SIGTERM', () => {
  it('fails readiness at once, and ends after the fetch that was sent has come back', async () => {
    const { simulator, broker } = await startWorld({ apps: [SHOP] });
    await broker.ready();
    const old = await broker.token();
    simulator.addFault({ delayAfterMs: 1000 });
    const refreshing = awaitedLater(broker.post('/token/refresh', { force: true }));
    await eventually('sent', () => simulator.calls().minted === 2);

    broker.process.signal('SIGTERM');
    const unready = await eventually('unready', async () => {
      const answer = await broker.get('/health/ready');
      return answer.status === 503 && answer;
    });
    expect(unready.body.code).toBe('stopping');
    expect(unready.headers.get('connection')).toBe('close');
    expect((await broker.get('/health/live')).status).toBe(200);
    const held = await broker.get('/token');
    expect(held.body.access_token).toBe(old);
    expect(held.headers.get('connection')).toBe('close');

    const refreshed = await refreshing;
    expect(refreshed.body).toMatchObject({ refreshed: true, reason: 'rotated' });
    expect(unready.endedAtMs).toBeLessThan(refreshed.endedAtMs - 500);
    expect(simulator.verdict(String(refreshed.body.access_token)).newest).toBe(true);
    expect(await broker.process.ended).toBe(0);
  }, 15_000);

  it('leaves nobody without an answer who waits for the first token', async () => {
    let hold = '';
    const { simulator, broker } = await startWorld({
      apps: [SHOP],
      before: (platform) => {
        hold = platform.addFault({ holdUntilReleased: true });
      },
    });
    const waiting = awaitedLater(Promise.all(Array.from({ length: 10 }, () => broker.get('/token'))));
    // The callers, this request, and the one to the platform.
    await eventually('the callers connected', async () => (await openSockets(broker)) >= 10 + 2);
    broker.process.signal('SIGTERM');
    await eventually('unready', async () => (await broker.get('/health/ready')).body.code === 'stopping');
    simulator.removeFault(hold);

    for (const answer of await waiting) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get('connection')).toBe('close');
      expect(simulator.verdict(String(answer.body.access_token)).valid).toBe(true);
    }
    expect(await broker.process.ended).toBe(0);
    expect(simulator.calls().fetches).toBe(1);
  }, 15_000);
});

/** That the broker has accepted or opened, and had the time to read. */
async function openSockets(broker: BrokerProcess): Promise<number> {
  const text = await broker.metrics();
  await broker.get('/health/live');
  return Number(/^nodejs_active_resources\{type="TCPSocketWrap"\} (\d+)$/m.exec(text)?.[1]);
}

describe('GET /metrics', () => {
  it('counts requests by route, and never by what callers typed', async () => {
    const { broker } = await startWorld({ apps: [SHOP] });
    await broker.ready();
    await Promise.all(Array.from({ length: 5 }, () => broker.get('/token')));
    await broker.get('/token', newApiKey());
    await broker.post('/token/refresh', { errcode: 48001 });
    await broker.get('/whatever/somebody-typed');
    const text = await broker.metrics();

    expect(text).toContain('tokenbroker_http_requests_total{route="/token",method="GET",code="200"} 5\n');
    expect(text).toContain('tokenbroker_http_requests_total{route="/token",method="GET",code="401"} 1\n');
    expect(text).toContain(
      'tokenbroker_http_requests_total{route="/token/refresh",method="POST",code="422"} 1\n',
    );
    expect(text).toContain('tokenbroker_http_requests_total{route="unmatched",method="GET",code="404"} 1\n');
    expect(text).not.toContain('somebody-typed');
  }, 15_000);
});

describe('the command line', () => {
  it('keygen makes a key and its SHA-256', async () => {
    const process = new NodeProcess('cli.js', ['keygen'], {});
    expect(await process.ended).toBe(0);
    const [, key = ''] = /^API key: (\S+)$/m.exec(process.stdout) ?? [];
    expect(key).toMatch(/^tbk_[\w-]{43}$/);
    expect(process.stdout).toContain(`SHA-256: ${createHash('sha256').update(key).digest('hex')}\n`);
  }, 15_000);

  it('simulate runs until SIGTERM', async () => {
    const process = new NodeProcess('cli.js', ['simulate', '--port', '0', '--app-id', SHOP.appId], {});
    const [, url = ''] = await eventually('listening', () =>
      /^WeChat simulator listening on (\S+)$/m.exec(process.stdout),
    );
    const path = `/cgi-bin/token?grant_type=client_credential&appid=${SHOP.appId}&secret=wrong`;
    expect((await request(url + path)).body.errcode).toBe(40125);
    process.signal('SIGTERM');
    expect(await process.ended).toBe(0);
  }, 15_000);

  it.each(['version', '--version'])(
    '%s prints the version of package.json',
    async (argument) => {
      const process = new NodeProcess('cli.js', [argument], {});
      expect(await process.ended).toBe(0);
      expect(process.output).toBe(`${readVersion()}\n`);
    },
    15_000,
  );

  it('does not know other commands', async () => {
    const process = new NodeProcess('cli.js', ['server'], {});
    expect(await process.ended).toBe(2);
    expect(process.stderr).toContain('there is no command "server"');
    expect(process.stderr).toContain('Usage: access-token-broker <command>');
    expect(process.stdout).toBe('');
  }, 15_000);

  it.each([
    ['serve', 'other.yaml', 2],
    ['version', 'x', 2],
    ['serve', '--help', 0],
  ])('has a %s that takes no arguments, and does nothing with %s', async (command, argument, exitCode) => {
    const process = new NodeProcess('cli.js', [command, argument], {});
    expect(await process.ended).toBe(exitCode);
    expect(exitCode === 0 ? process.stdout : process.stderr).toContain(
      'Usage: access-token-broker <command>',
    );
  });
});
