import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { JwtIssuerServer } from './support/jwt-issuer.js';
import { RedisServer } from './support/redis-server.js';
import { startPlatform } from './support/start-platform.js';
import { makeCertificates, type TestCertificates } from './support/test-certificates.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const APP = { name: 'shop', ...newApp() };
const SCOPES = ['token:read'];

/** A caller that asks again and again, and must get an answer each time. */
class Traffic {
  readonly failures: string[] = [];
  private answers = 0;
  private isOver = false;
  private readonly running: Promise<void>;

  constructor(private readonly ask: () => Promise<{ readonly status: number; readonly text: string }>) {
    this.running = this.run();
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      const { status, text } = await this.ask().catch((error: unknown) => ({
        status: 0,
        text: String(error),
      }));
      if (status === 200) this.answers += 1;
      else this.failures.push(`${String(status)} ${text}`);
      await sleep(15);
    }
  }

  /** Some more answers. */
  async goOn(): Promise<void> {
    const enough = this.answers + 3;
    await eventually('answers', () => this.answers >= enough || this.failures.length > 0);
  }

  async end(): Promise<void> {
    await this.goOn();
    this.isOver = true;
    await this.running;
    expect(this.failures).toEqual([]);
  }
}

/** The steps of docs/rotating-secrets.md. */
describe('a secret is rotated without a refused request', () => {
  let folder: string;
  let simulator: WechatSimulator;
  let issuer: JwtIssuerServer;
  let server: TestCertificates;
  let callers: TestCertificates;
  let broker: BrokerProcess;
  /** Authorities that the callers trust. */
  const trusted: string[] = [];
  const keys = { orders: newApiKey(), files: newApiKey(), operator: newApiKey() };

  const file = (name: string) => join(folder, name);
  const inFolder = (name: string) => {
    mkdirSync(file(name));
    return file(name);
  };
  const certOf = ({ certFile, keyFile }: TestCertificates) => ({
    cert: readFileSync(certFile, 'utf8'),
    key: readFileSync(keyFile, 'utf8'),
  });

  function configure(orders: readonly string[]): void {
    const jwt = [{ issuer: issuer.issuer, audience: 'broker', jwks: { file: file('jwks.json') } }];
    const more = { apps: '*', scopes: SCOPES };
    const config = brokerConfig({
      apps: [{ ...APP, apiBaseUrl: simulator.url, secretFile: file('app-secret') }],
      keys: { operator: keys.operator },
      clients: [
        { name: 'orders', keySha256: orders.map(sha256), ...more },
        { name: 'files', keys: [{ file: file('key-a') }, { file: file('key-b') }], ...more },
        { name: 'pods', subjects: [{ sub: 'orders' }], ...more },
        { name: 'mesh', certificates: [{ san: 'mesh.shop.svc' }], ...more },
      ],
      server: {
        tls: {
          cert: { file: server.certFile },
          key: { file: server.keyFile },
          clientCa: { file: file('callers.crt') },
        },
      },
      sections: { identities: { jwt }, auth: { failuresPerMinute: 100_000 } },
    });
    replace('broker.yaml', JSON.stringify(config));
  }

  /** As whoever writes a file so that nobody reads half of it. */
  function replace(name: string, text: string): void {
    writeFileSync(file(`${name}.new`), text);
    renameSync(file(`${name}.new`), file(name));
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rotating-'));
    simulator = await startPlatform({ apps: [APP] });
    issuer = await JwtIssuerServer.start();
    server = makeCertificates(inFolder('server'));
    callers = makeCertificates(inFolder('callers'), { names: 'DNS:mesh.shop.svc' });
    trusted.push(server.ca);
    replace('callers.crt', callers.ca);
    replace('jwks.json', JSON.stringify(issuer.jwks));
    replace('app-secret', APP.appSecret);
    replace('key-a', keys.files);
    replace('key-b', newApiKey());
    configure([keys.orders]);
    broker = await startBroker({ env: { BROKER_CONFIG: file('broker.yaml') }, key: keys.operator });
    await eventually('a token', async () => (await ask(keys.orders)).status === 200);
  });
  afterAll(async () => {
    await issuer.stop();
    rmSync(folder, { recursive: true });
  });

  function ask(
    key?: string,
    options: RequestOptions = {},
    path = '/token',
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
      const request = httpsRequest(
        broker.url + path,
        { ca: trusted, agent: false, headers, ...options },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.once('end', () => {
            resolve({ status: response.statusCode ?? 0, text });
          });
        },
      );
      request.once('error', reject);
      request.end();
    });
  }

  const statusOf = async (key: string) => (await ask(key)).status;
  /** When this replica was last sent the key, as its metrics have it; undefined: it does not know the key. */
  async function lastUsed(key: string): Promise<number | undefined> {
    const { text } = await ask(undefined, {}, '/metrics');
    const line = new RegExp(
      `^tokenbroker_api_key_last_used_timestamp_seconds\\{key="${sha256(key).slice(0, 8)}"\\} (.+)$`,
      'm',
    );
    const [, value] = line.exec(text) ?? [];
    return value === undefined ? undefined : Number(value);
  }

  it('an API key by its hash', async () => {
    const [old, next] = [keys.orders, newApiKey()];
    let current = old;
    const traffic = new Traffic(() => ask(current));
    configure([old, next]);
    await eventually('the new key known', async () => (await lastUsed(next)) !== undefined, 2500);
    current = next;
    await traffic.goOn();
    // A scrape is shared for a second.
    const usedSince = (moment: number) => async () => ((await lastUsed(next)) ?? 0) > moment;
    await eventually('the new key in use', usedSince(0), 2500);
    const [before, since] = [await lastUsed(old), (await lastUsed(next)) ?? Infinity];
    await eventually('the new key in use later on', usedSince(since), 2500);
    expect(await lastUsed(old)).toBe(before);
    configure([next]);
    await eventually('the old key refused', async () => (await statusOf(old)) === 401, 2500);
    await traffic.end();
    const reads = broker.logs().filter(({ event, client }) => event === 'token.read' && client === 'orders');
    expect(reads.map(({ key }) => key)).toEqual([old, next].map((key) => sha256(key).slice(0, 8)));
    keys.orders = next;
  });

  it('an API key in a file', async () => {
    const [old, next] = [keys.files, newApiKey()];
    let current = old;
    const traffic = new Traffic(() => ask(current));
    replace('key-b', next);
    await eventually('the new key known', async () => (await lastUsed(next)) !== undefined, 2500);
    current = next;
    await traffic.goOn();
    replace('key-a', newApiKey());
    await eventually('the old key refused', async () => (await statusOf(old)) === 401, 2500);
    await traffic.end();

    // What nobody meant changes nothing.
    rmSync(file('key-b'));
    const faults = async () => (await ask(keys.operator, {}, '/config/status')).text;
    await eventually(
      'the fault told',
      async () => (await faults()).includes('clients[2].keys[1].file: cannot read'),
      4000,
    );
    expect(await statusOf(next)).toBe(200);
    replace('key-b', next);
    await eventually('no fault any more', async () => (await faults()).includes('"ok":true'), 4000);
    expect(await statusOf(next)).toBe(200);
  });

  it('an AppSecret', async () => {
    const next = newApp().appSecret;
    const traffic = new Traffic(() => ask(keys.orders));
    const before = simulator.calls(APP.appId).fetches;
    simulator.resetSecret(next, APP.appId);
    await traffic.goOn();
    replace('app-secret', next);
    await eventually('fetched with the new one', () => simulator.calls(APP.appId).fetches > before, 5000);
    const [app] = JSON.parse((await ask(keys.operator, {}, '/apps')).text) as { last_error: unknown }[];
    expect(app?.last_error).toBeNull();
    await traffic.end();
  });

  it('the key of an issuer of JWTs', async () => {
    let current = await issuer.sign(Date.now());
    const old = current;
    const traffic = new Traffic(() => ask(current));
    const { keys: before } = issuer.jwks;
    await issuer.rotate('ES256');
    replace('jwks.json', JSON.stringify({ keys: [...before, issuer.key('ES256').jwk] }));
    const next = await issuer.sign(Date.now());
    await eventually('a JWT of the new key taken', async () => (await statusOf(next)) === 200, 5000);
    current = next;
    await traffic.goOn();
    expect(await statusOf(old)).toBe(200);
    replace('jwks.json', JSON.stringify(issuer.jwks));
    await traffic.end();
  });

  it('the certificate of the server', async () => {
    const traffic = new Traffic(() => ask(keys.orders));
    const used = () => broker.logs().filter(({ event }) => event === 'server.certificate_used').length;
    const before = used();
    const next = makeCertificates(inFolder('server-next'));
    // The authority changes too, so callers trust both first.
    trusted.push(next.ca);
    copyFileSync(next.certFile, server.certFile);
    copyFileSync(next.keyFile, server.keyFile);
    await eventually('the new one in use', () => used() > before, 5000);
    trusted.shift();
    await traffic.goOn();
    await traffic.end();
  });

  it('the authority of client certificates', async () => {
    let current = certOf(callers);
    const old = current;
    const traffic = new Traffic(() => ask(undefined, current));
    const next = makeCertificates(inFolder('callers-next'), { names: 'DNS:mesh.shop.svc' });
    replace('callers.crt', callers.ca + next.ca);
    await eventually(
      'one of the new one taken',
      async () => (await ask(undefined, certOf(next))).status === 200,
      5000,
    );
    current = certOf(next);
    await traffic.goOn();
    replace('callers.crt', next.ca);
    await eventually(
      'one of the old one refused',
      async () => (await ask(undefined, old)).status === 401,
      5000,
    );
    await traffic.end();
  });

  it('was never in the log', () => {
    const shown = broker.output();
    for (const secret of [
      ...Object.values(keys),
      readFileSync(file('app-secret'), 'utf8'),
      readFileSync(file('key-a'), 'utf8'),
    ]) {
      expect(shown).not.toContain(secret);
    }
  });
});

describe('the password of Redis', () => {
  it('is rotated replica by replica without a refused request or a fetch', async () => {
    const [old, next] = [newApiKey(), newApiKey()];
    const key = newApiKey();
    const simulator = await startPlatform({ apps: [APP] });
    const redis = await RedisServer.start();
    await redis.client.call('ACL', 'SETUSER', 'broker', 'on', `>${old}`, '~*', '&*', '+@all');
    const start = async (password: string): Promise<BrokerProcess> => {
      const config = brokerConfig({
        apps: [{ ...APP, apiBaseUrl: simulator.url }],
        keys: { orders: key },
        sections: {
          redis: { url: redis.url({ name: 'broker', password }) },
          encryption: { keys: [{ id: 'k1', key: Buffer.from(sha256('k1'), 'hex').toString('base64') }] },
        },
      });
      const broker = await startBroker({ config, key });
      await broker.ready();
      return broker;
    };
    let replicas: [BrokerProcess, BrokerProcess] = [await start(old), await start(old)];
    const traffic = new Traffic(() => replicas[0].get('/token'));
    await redis.client.call('ACL', 'SETUSER', 'broker', `>${next}`);
    for (const replica of [...replicas]) {
      replicas = [replicas[1], await start(next)];
      await traffic.goOn();
      await replica.stop();
    }
    await redis.client.call('ACL', 'SETUSER', 'broker', `<${old}`);
    await traffic.end();
    expect(simulator.calls(APP.appId).fetches).toBe(1);
    const away = replicas
      .flatMap((replica) => replica.logs())
      .filter(({ event }) => event === 'store.unavailable');
    expect(away).toEqual([]);
    expect(await redis.client.call('ACL', 'GETUSER', 'broker').then(String)).not.toContain(sha256(old));
  }, 30_000);
});
