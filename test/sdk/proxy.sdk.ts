import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatewayClient, newApiKey, newApp } from '../support/broker-config.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { OwnProcess } from '../support/own-process.js';
import { startWorld, type World } from '../support/start-world.js';
import { tempFile } from '../support/temp-file.js';

const PASSWORD = 'pr0xyP4ssword';
const CALLS = newApiKey();
const PATH = '/cgi-bin/getcallbackip';

/** Debian's tinyproxy on a port of its own, which asks for user and password. */
class Tinyproxy {
  private readonly folder = mkdtempSync(join(tmpdir(), 'tinyproxy-'));
  private process: OwnProcess | null = null;
  private port = 0;
  /** Of those that ran before. */
  private said = '';

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get output(): string {
    return this.said + (this.process?.output ?? '');
  }

  /** Ends the one before, with its tunnels. @param options `connectPort`: the only one that it connects to; left out: all */
  async start(options: { readonly password?: string; readonly connectPort?: number } = {}): Promise<void> {
    const { password = PASSWORD, connectPort } = options;
    await this.stop();
    this.port ||= await freePort();
    const lines = [`Port ${this.port}`, 'Listen 127.0.0.1', 'Timeout 60', `BasicAuth broker ${password}`];
    if (connectPort !== undefined) lines.push(`ConnectPort ${connectPort}`);
    const file = join(this.folder, 'tinyproxy.conf');
    writeFileSync(file, `${lines.join('\n')}\n`);
    this.process = new OwnProcess('tinyproxy', ['-d', '-c', file], { cwd: this.folder });
    await eventually('tinyproxy to listen', () => this.isListening());
  }

  async stop(): Promise<void> {
    this.said = this.output;
    await this.process?.kill();
    this.process = null;
  }

  freeze(): void {
    this.process?.signal('SIGSTOP');
  }

  /** Ends it for good. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private isListening(): Promise<boolean> {
    if (this.process?.isRunning !== true) throw new Error(`tinyproxy ended:\n${this.output}`);
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => {
        resolve(false);
      });
    });
  }
}

interface Trouble {
  readonly app: string;
  readonly make: (proxy: Tinyproxy) => unknown;
  readonly message: RegExp;
  readonly remedy: RegExp;
}

/** Each with an app of its own, because an app keeps its last error. */
const TROUBLES: Readonly<Record<string, Trouble>> = {
  'it has another password': {
    app: 'locked-out',
    make: (proxy) => proxy.start({ password: 'an0ther' }),
    message: /the proxy \S+ answered CONNECT with HTTP status 40[17]/,
    remedy: /proxyUsername and proxyPassword/,
  },
  'it connects to no such port': {
    app: 'denied',
    make: (proxy) => proxy.start({ connectPort: 443 }),
    message: /answered CONNECT with HTTP status 403/,
    remedy: /allow CONNECT/,
  },
  'it gives no answer': {
    app: 'silent',
    make: (proxy) => {
      proxy.freeze();
    },
    message: /the proxy \S+ gave no answer to CONNECT/,
    remedy: /The proxy does not answer in time/,
  },
  'nobody is at its address': {
    app: 'gone',
    make: (proxy) => proxy.stop(),
    message: /the proxy \S+: ECONNREFUSED/,
    remedy: /that the proxy runs/,
  },
};
const MINI = { name: 'mini', type: 'mini_program' as const, ...newApp() };
/** Its platform is not there. */
const FAR = { name: 'far', apiBaseUrl: 'http://127.0.0.1:1', ...newApp() };

describe('a broker whose way out is a real forward proxy', () => {
  const troubled = Object.values(TROUBLES).map(({ app }) => app);
  const proxy = new Tinyproxy();
  let world: World;

  beforeAll(async () => {
    await proxy.start();
    const refresh = { upstreamTimeoutSeconds: 1 };
    world = await startWorld({
      apps: [MINI, FAR, ...troubled.map((name) => ({ name, refresh, ...newApp() }))],
      clients: [gatewayClient('calls', CALLS, [`GET ${PATH}`])],
      scopes: ['token:read', 'token:refresh', 'token:admin', 'login'],
      sections: {
        egress: { proxy: proxy.url, proxyUsername: 'broker', proxyPassword: { file: tempFile(PASSWORD) } },
      },
    });
    await eventually('a token for each', async () => {
      const answers = troubled.map((name) => world.broker.get(`/token?app=${name}`));
      return (await Promise.all(answers)).every(({ status }) => status === 200);
    });
  });
  afterAll(() => proxy.remove());

  const callGateway = (app: string) => world.broker.get(`/gateway/${app}${PATH}`, CALLS);
  const errorOf = async (name: string) => {
    const { text } = await world.broker.get('/apps');
    const apps = JSON.parse(text) as {
      app: string;
      last_error: { message: string; remedy: string } | null;
    }[];
    return apps.find(({ app }) => app === name)?.last_error;
  };

  it('fetches tokens, logs users in and passes calls on through it, with its password', async () => {
    const { simulator, broker } = world;
    const tunnels = () => proxy.output.split(`CONNECT ${new URL(simulator.url).host} `).length - 1;
    const before = await eventually('fetches', () => tunnels() > troubled.length && tunnels());
    const { code } = simulator.login.createCode({ appId: MINI.appId, user: 'mary' });
    expect(await broker.post('/login/exchange', { app: 'mini', js_code: code })).toMatchObject({
      status: 200,
    });
    expect(await callGateway('mini')).toMatchObject({ status: 200 });
    await eventually('two more', () => tunnels() === before + 2);
  });

  it('says that the proxy cannot reach the platform', async () => {
    await eventually('an error', () => errorOf('far'));
    expect(await errorOf('far')).toMatchObject({
      message: expect.stringMatching(/answered CONNECT with HTTP status 5\d\d/) as string,
      remedy: expect.stringMatching(/cannot reach the platform/) as string,
    });
  });

  it.each(Object.entries(TROUBLES))(
    'says that %s, with the remedy, and has sent nothing',
    async (_, trouble) => {
      const { app, make, message, remedy } = trouble;
      await make(proxy);
      const called = await callGateway(app);
      expect(called).toMatchObject({ status: 502, body: { code: 'upstream_unavailable' } });
      expect(called.body.detail).toMatch(message);
      await world.broker.post('/token/refresh', { app, force: true });
      expect(await errorOf(app)).toMatchObject({
        message: expect.stringMatching(message) as string,
        remedy: expect.stringMatching(remedy) as string,
      });
      await proxy.start();
      expect(await callGateway(app)).toMatchObject({ status: 200 });
    },
  );

  it('shows the password to nobody', async () => {
    const { broker } = world;
    const shown = [broker.output(), (await broker.get('/apps')).text, await broker.metrics()].join('\n');
    expect(shown).toContain(new URL(proxy.url).host);
    for (const secret of [PASSWORD, Buffer.from(`broker:${PASSWORD}`).toString('base64')]) {
      expect(shown).not.toContain(secret);
    }
  });
});
