import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MINIMAL_ACL } from './support/minimal-acl.js';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { NodeProcess } from './support/node-process.js';
import { RedisServer } from './support/redis-server.js';
import { startPlatform } from './support/start-platform.js';
import { tempFile } from './support/temp-file.js';
import { makeCertificates, type TestCertificates } from './support/test-certificates.js';

const SHOP = { name: 'shop', ...newApp() };
const PASSWORD = randomBytes(12).toString('hex');

interface Given {
  readonly apiBaseUrl?: string;
  /** Sections of the configuration. */
  readonly [section: string]: unknown;
}

async function run(
  { apiBaseUrl = 'http://127.0.0.1:1', ...sections }: Given,
  args: readonly string[] = [],
  env: Record<string, string> = {},
) {
  const given = brokerConfig({ apps: [{ ...SHOP, apiBaseUrl }], keys: { orders: newApiKey() } });
  const config = { ...given, ...sections };
  const more = { BROKER_CONFIG: tempFile(JSON.stringify(config)), ...env };
  const process = new NodeProcess('cli.js', ['diagnose', ...args], more);
  const code = await process.ended;
  expect(process.output).not.toContain(SHOP.appSecret);
  expect(process.output).not.toContain(PASSWORD);
  return { code, lines: process.output.split('\n'), text: process.output };
}

const withRedis = (port: number, name: string) => ({
  redis: { url: `redis://127.0.0.1:${String(port)}/0`, username: name, password: PASSWORD },
  encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
});

describe('access-token-broker diagnose', () => {
  it('finds all good where it is, mints nothing and leaves nothing in Redis', async () => {
    const platform = await startPlatform({ apps: [SHOP] });
    const redis = await RedisServer.start({ users: [`broker on >${PASSWORD} ${MINIMAL_ACL}`] });
    const { code, text } = await run({ apiBaseUrl: platform.url, ...withRedis(redis.port, 'broker') });
    expect(text).not.toContain('FAIL');
    for (const step of ['DNS', 'TCP', 'answer: errcode 41001']) expect(text).toContain(`OK    shop  ${step}`);
    for (const step of ['login', 'EVAL', 'the keys tokenbroker:claim:*', 'SUBSCRIBE'])
      expect(text).toContain(`OK    redis  ${step}`);
    expect(code).toBe(0);
    expect(platform.tokens()).toEqual([]);
    expect(await redis.call('DBSIZE')).toBe(0);
  });

  it('asks for a token only when it is told to, and says what that kills', async () => {
    const platform = await startPlatform({ apps: [SHOP] });
    const { code, text } = await run({ apiBaseUrl: platform.url }, ['shop', '--fetch']);
    expect(text).toMatch(
      /NOTE {2}shop {2}the token in use is replaced now[^]*OK {4}shop {2}fetch: a token for 7200 s/,
    );
    const [minted, ...others] = platform.tokens();
    expect(others).toEqual([]);
    expect(text).not.toContain(minted?.token);
    expect(code).toBe(0);
  });

  it('stops at the first step that fails, with its remedy and the exit code 1', async () => {
    const { code, lines } = await run({}, [], { HTTPS_PROXY: 'http://proxy.example:3128' });
    expect(lines).toEqual([
      'NOTE  HTTPS_PROXY is set, but the broker does not use it: see egress',
      expect.stringMatching(/^OK {4}shop {2}DNS: /),
      'FAIL  shop  TCP: 127.0.0.1 port 1: ECONNREFUSED',
      expect.stringMatching(/^ {6}HTTPS_PROXY is set.*Nothing listens at the address/),
      '',
    ]);
    expect(code).toBe(1);
  });

  it('names the command that the user of Redis may not run, or a wrong password', async () => {
    const users = [`broker on >${PASSWORD} ${MINIMAL_ACL} -publish`, `other on >another ${MINIMAL_ACL}`];
    const redis = await RedisServer.start({ users });
    const denied = await run(withRedis(redis.port, 'broker'));
    expect(denied.text).toMatch(/FAIL {2}redis {2}PUBLISH: .*NOPERM[^]*docs\/redis\.md/);
    expect(denied.text).toContain('OK    redis  SUBSCRIBE');
    const refused = await run(withRedis(redis.port, 'other'));
    expect(refused.text).toMatch(/FAIL {2}redis {2}login: .*WRONGPASS[^]*user and password/);
  });

  it('says of a replica that it is one', async () => {
    const primary = await RedisServer.start({});
    const users = [`broker on >${PASSWORD} ${MINIMAL_ACL}`];
    const replica = await RedisServer.start({ users, replicaOf: primary });
    const { lines } = await run(withRedis(replica.port, 'broker'));
    const failed = lines.flatMap((line, at) => (/^FAIL {2}redis/.test(line) ? [line, lines[at + 1]] : []));
    expect(failed.length).toBeGreaterThan(0);
    for (const line of failed) expect(line).toMatch(/READONLY|have redis name the primary/);
  });

  it.each([
    ['a cluster', /cluster support disabled[^]*instead of redis\.clusterNodes/],
    ['sentinels', /unknown command 'sentinel'[^]*instead of redis\.sentinels/],
    ['TLS', /redis {2}TLS: .*ETIMEDOUT\n.*Does Redis speak TLS/],
    ['a Redis', /RESP type[^]*no Redis: correct host and port/],
  ])('says what is there in place of %s', async (expected, said) => {
    const one = await RedisServer.start({ users: [`broker on >${PASSWORD} ~* &* +@all`] });
    const endpoint = { host: '127.0.0.1', port: one.port };
    const platform = await startPlatform({ apps: [SHOP] });
    const servers: Readonly<Record<string, object>> = {
      'a cluster': { clusterNodes: [endpoint] },
      sentinels: { sentinels: [endpoint], name: 'primary' },
      TLS: { url: `rediss://127.0.0.1:${String(one.port)}/0` },
      'a Redis': { url: `redis://127.0.0.1:${new URL(platform.url).port}/0` },
    };
    const redis = { ...servers[expected], username: 'broker', password: PASSWORD };
    const { text } = await run({ ...withRedis(one.port, 'broker'), redis });
    expect(text).toMatch(said);
  });

  it('says that a user with another prefix may not see who else fetches for an AppID', async () => {
    const acl = MINIMAL_ACL.replaceAll('tokenbroker:', 'prod:');
    const redis = await RedisServer.start({ users: [`broker on >${PASSWORD} ${acl}`] });
    const { redis: section, ...sections } = withRedis(redis.port, 'broker');
    const { text } = await run({ ...sections, redis: { ...section, keyPrefix: 'prod:' } });
    expect(text).toMatch(/FAIL {2}redis {2}the keys tokenbroker:claim:\*: .*NOPERM[^]*docs\/redis\.md/);
    expect(text.match(/FAIL {2}redis/g)).toHaveLength(1);
  });

  it.each([
    ['--help', 0],
    ['shop more', 2],
    ['nobody', 2],
  ])('does nothing for %s', async (args, exitCode) => {
    const { code, text } = await run({}, args.split(' '));
    expect(code).toBe(exitCode);
    expect(text).toMatch(/^usage: access-token-broker diagnose|no app of the configuration has this name/);
  });

  it('names an AppSecret that is missing, as a start waits for it', async () => {
    const platform = await startPlatform({ apps: [SHOP] });
    const given = brokerConfig({
      apps: [
        { ...SHOP, apiBaseUrl: platform.url },
        { ...newApp(), name: 'club', apiBaseUrl: platform.url, secretFile: '/no/such/file' },
      ],
      keys: { orders: newApiKey() },
    });
    const { code, text } = await run({ ...given });
    expect(text).toContain('OK    shop and 1 more  answer: ');
    expect(text).toMatch(/FAIL {2}club {2}AppSecret: cannot read \/no\/such\/file: ENOENT/);
    expect(code).toBe(1);
  });

  it('of a faulty configuration lists the faults', async () => {
    const { code, text } = await run({ server: { port: 'x' } });
    expect(code).toBe(1);
    expect(text).toContain('server.port: must be');
  });
});

describe('access-token-broker diagnose, where something with a private CA answers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'broker-diagnose-'));
  let certificates: TestCertificates;
  let server: Server;
  let apiBaseUrl: string;

  beforeAll(async () => {
    certificates = makeCertificates(folder);
    const { keyFile, certFile } = certificates;
    server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, (_, response) => {
      response.end('{"errcode":41001,"errmsg":"access_token missing"}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    apiBaseUrl = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });

  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  it('shows whose certificate it is, and the remedy that helps', async () => {
    const { code, text } = await run({ apiBaseUrl });
    expect(text).toMatch(
      /FAIL {2}shop {2}TLS: .*UNABLE_TO_VERIFY_LEAF_SIGNATURE, certificate of localhost by test authority, until .* \(\d+ days\)/,
    );
    expect(text).toContain('NODE_EXTRA_CA_CERTS');
    expect(code).toBe(1);

    const mended = await run({ apiBaseUrl }, [], { NODE_EXTRA_CA_CERTS: certificates.caFile });
    expect(mended.text).toMatch(
      /OK {4}shop {2}TLS: TLSv1\.3, certificate of localhost[^]*OK {4}shop {2}answer: errcode 41001/,
    );
    expect(mended.code).toBe(0);
  });
});
