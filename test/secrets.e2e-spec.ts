import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { FaultSpec, WechatSimulator } from '@access-token-broker/simulator';
import { newApiKey, newApp } from './support/broker-config.js';
import type { BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { findLeaks } from './support/find-leaks.js';
import { request, type HttpAnswer } from './support/http-client.js';
import { OtlpReceiver } from './support/otlp-receiver.js';
import { startWorld } from './support/start-world.js';
import { tempFile } from './support/temp-file.js';

const KNOWN_KEY = newApiKey();
/** A key that this product did not make, so that nothing but its hash is known of it. */
const FOREIGN_KEY = `${randomBytes(12).toString('base64')}+/=&"${randomBytes(12).toString('hex')}`;
const UNKNOWN_KEY = newApiKey();
const COLLECTOR_KEY = awkwardSecret();
const NEW_SECRET = newApp().appSecret;
/** Of nobody. */
const STRAY_TOKEN = `91_${randomBytes(108).toString('base64url')}`;

/** Looks different in each encoding, unlike WeChat's own secrets. */
function awkwardSecret(): string {
  return `s/+&=%"? ${randomBytes(16).toString('hex')}`;
}

function app(name: string) {
  return { name, ...newApp(), refresh: { upstreamTimeoutSeconds: 2 } };
}

const GOOD = app('good');
const ROTATED = app('rotated');
const FAULTS: readonly FaultSpec[] = [
  { status: 502 },
  { reset: 'before' },
  { reset: 'after' },
  { truncate: true },
  { garbage: 'html' },
  { garbage: 'array' },
  { hang: true },
  { errcode: -1 },
];
const FAULTY = FAULTS.map((fault, index) => ({ fault, ...app(`faulty-${String(index)}`) }));

/** How a careless platform or gateway may repeat what it was sent. */
const ECHOES: readonly ((text: string) => string)[] = [
  (text) => text,
  encodeURIComponent,
  (text) => new URLSearchParams({ secret: text }).toString(),
  (text) => text.toUpperCase(),
  (text) => Buffer.from(text).toString('hex'),
  (text) => Array.from(text, (character) => `&#${character.charCodeAt(0)};`).join(''),
  ...['', '?', '??'].map((before) => (text: string) => Buffer.from(before + text).toString('base64')),
];
const ECHOING = ECHOES.map((echo, index) => {
  const echoing = app(`echoing-${String(index)}`);
  const body = { errcode: 40125, errmsg: `invalid appsecret: ${echo(echoing.appSecret)}` };
  return { ...echoing, fault: { body } };
});
const ECHOING_TOKEN = {
  ...app('echoing-token'),
  fault: { body: { errcode: 40001, errmsg: `invalid credential, access_token=${STRAY_TOKEN}` } },
};

const UNREACHABLE = ['http://platform.invalid', 'http://127.0.0.1:1', 'https://127.0.0.1:1'].map(
  (apiBaseUrl, index) => ({ ...app(`unreachable-${String(index)}`), apiBaseUrl }),
);
const FAILING = [ROTATED, ...FAULTY, ...ECHOING, ECHOING_TOKEN, ...UNREACHABLE];

describe('in a flood of failures, at the most talkative log level', () => {
  const statuses = new Set<number>();
  /** What was asked for, and what came back. */
  const shown: [about: string, text: string][] = [];
  let simulator: WechatSimulator;
  let broker: BrokerProcess;
  let secrets: Record<string, string>;
  let collector: OtlpReceiver;

  beforeAll(async () => {
    const secretFile = tempFile(ROTATED.appSecret);
    collector = await OtlpReceiver.start();
    const faulty = [...FAULTY, ...ECHOING, ECHOING_TOKEN];
    ({ simulator, broker } = await startWorld({
      apps: [GOOD, { ...ROTATED, secretFile }, ...faulty, ...UNREACHABLE],
      platform: { expiresInSeconds: 2 },
      keys: { known: KNOWN_KEY, foreign: FOREIGN_KEY },
      server: { logLevel: 'trace', docs: true },
      sections: {
        audit: { reads: 'all' },
        tracing: { endpoint: collector.endpoint, sampleRatio: 1, headers: { 'x-key': COLLECTOR_KEY } },
      },
      before: (platform) => {
        for (const { appId, fault } of faulty) platform.addFault({ appId, times: 0, ...fault });
        platform.resetSecret(newApp().appSecret, ROTATED.appId);
      },
    }));
    writeFileSync(secretFile, NEW_SECRET);
    await eventually('the new secret in use', () =>
      broker.logs().some(({ event, app: name }) => event === 'secret.changed' && name === ROTATED.name),
    );
    rmSync(secretFile);

    await floodPlatform([GOOD, ...FAILING].map(({ name }) => name));
    await floodBroker();
    for (const path of ['/metrics', '/apps', '/health/ready', '/docs/openapi.json']) {
      shown.push([path, (await broker.get(path)).text]);
    }
    await eventually('the lost file noticed', () =>
      broker.logs().some(({ event }) => event === 'secret.unreadable'),
    );
    await broker.stop();

    // Their beginning: a truncated answer has no more of them.
    const tokens = simulator
      .tokens()
      .map(({ token }, index) => [`token ${String(index)}`, token.slice(0, 40)]);
    secrets = {
      ...Object.fromEntries(
        [GOOD, ...FAILING].map(({ name, appSecret }) => [`AppSecret of ${name}`, appSecret]),
      ),
      ...Object.fromEntries(tokens),
      NEW_SECRET,
      STRAY_TOKEN: STRAY_TOKEN.slice(0, 40),
      KNOWN_KEY,
      FOREIGN_KEY,
      UNKNOWN_KEY,
      COLLECTOR_KEY,
    };
  }, 30_000);

  /** Callers ask for, and complain about, every app. */
  async function floodPlatform(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await collect(`GET /token of ${name}`, broker.get(`/token?app=${name}`, FOREIGN_KEY));
      await collect(`POST /token/refresh of ${name}`, broker.post('/token/refresh', { app: name }));
      await collect(
        `forced refresh of ${name}`,
        broker.post('/token/refresh', { app: name, access_token: STRAY_TOKEN, force: true }),
      );
    }
  }

  /** Callers put secrets wherever one can be put by mistake. */
  async function floodBroker(): Promise<void> {
    const living = await broker.token(GOOD.name);
    for (const secret of [living, STRAY_TOKEN, UNKNOWN_KEY, KNOWN_KEY, FOREIGN_KEY, GOOD.appSecret]) {
      for (const [about, options] of misplaced(secret)) {
        const { path = '/token/refresh', ...rest } = options;
        await collect(about, request(broker.url + path, { key: KNOWN_KEY, ...rest }));
      }
      await sendRaw(`GET /token?access_token=${encodeURIComponent(secret)} HTTP/9.9\r\n\r\n`);
      await sendRaw(`GET /token HTTP/1.1\r\nAuthorization ${encodeURIComponent(secret)}\r\n\r\n`);
    }
  }

  async function collect(about: string, asked: Promise<HttpAnswer>): Promise<void> {
    const answer = await asked;
    statuses.add(answer.status);
    if (answer.status >= 400) shown.push([about, answer.text]);
  }

  /** What no HTTP client would send. */
  async function sendRaw(text: string): Promise<void> {
    const socket = connect(Number(new URL(broker.url).port), '127.0.0.1').setEncoding('utf8');
    socket.on('data', (answer: string) => shown.push(['a malformed request', answer]));
    socket.end(text);
    await once(socket, 'close');
  }

  it('failed in every way that it was made to', () => {
    const failures = broker
      .logs()
      .filter(({ event, outcome }) => event === 'token.fetch_ended' && outcome !== 'issued');
    expect(new Set(failures.map(({ app: name }) => name))).toEqual(new Set(FAILING.map(({ name }) => name)));
    expect(statuses).toEqual(new Set([200, 400, 401, 404, 413, 415, 422, 431, 503]));
  });

  it('shows no secret in its log', () => {
    expect(broker.output().length).toBeGreaterThan(10_000);
    expect(findLeaks(broker.output(), secrets)).toEqual([]);
  });

  it('shows no secret in a line of the audit stream, nor in a trace', () => {
    const audited = broker.logs().filter(({ stream }) => stream === 'audit');
    expect(new Set(audited.map(({ event }) => event))).toEqual(
      new Set([
        'audit.config',
        'token.read',
        'token.report',
        'token.force',
        'ticket.read',
        'access.refused',
        'secret.reloaded',
      ]),
    );
    expect(findLeaks(JSON.stringify(audited), secrets)).toEqual([]);
    expect(collector.spans.length).toBeGreaterThan(100);
    expect(findLeaks(collector.bodies.join('\n'), secrets)).toEqual([]);
  });

  it('shows no secret in an error, nor in what it tells about itself', () => {
    const leaks = shown.flatMap(([about, text]) =>
      findLeaks(text, secrets).map((secret) => `${about}: ${secret}: ${text}`),
    );
    expect(leaks).toEqual([]);
  });
});

type Misplaced = Parameters<typeof request>[1] & { readonly path?: string };

function misplaced(secret: string): [string, Misplaced][] {
  const encoded = encodeURIComponent(secret);
  const posted = (body: unknown): Misplaced => ({ method: 'POST', body });
  return [
    ['as a key', { path: '/token', key: secret }],
    [
      'as a user',
      { path: '/token', headers: { authorization: `Basic ${Buffer.from(secret).toString('base64')}` } },
    ],
    ['as an id', { path: '/token', headers: { 'x-request-id': encoded } }],
    ['in a query', { path: `/token?access_token=${encoded}` }],
    [
      'in a trace',
      { path: '/apps', headers: { traceparent: `00-${encoded}`, tracestate: `key=${encoded}` } },
    ],
    [
      'as the secret of an SDK',
      { path: `/cgi-bin/token?grant_type=client_credential&appid=${GOOD.appId}&secret=${encoded}` },
    ],
    ['as the token of an SDK', { path: `/cgi-bin/ticket/getticket?type=jsapi&access_token=${encoded}` }],
    ['as an app', { path: `/token?app=${encoded}` }],
    ['as an app, twice', { path: `/token?app=${encoded}&app=${encoded}` }],
    ['as a generation', { path: `/token?app=good&min_generation=${encoded}` }],
    ['in a path', { path: `/token/${encoded}` }],
    ['in a path that cannot be decoded', { path: `/token/%ZZ${encoded}` }],
    ['in a long path', { path: `/token/${encoded.repeat(200)}` }],
    ['in a query of no route', { method: 'POST', path: `/cgi-bin/token?secret=${encoded}` }],
    ['as a posted app', posted({ app: secret })],
    ['as a posted generation', posted({ generation: secret })],
    ['as an errcode', posted({ errcode: secret })],
    ['in a list', posted({ access_token: [secret] })],
    ['in an object', posted({ access_token: { value: secret } })],
    ['as a flag', posted({ force: secret })],
    ['as a field', posted({ [secret]: true })],
    ['in an unknown field', posted({ app: 'good', token: secret })],
    ['with an errcode of another kind', posted({ app: 'good', access_token: secret, errcode: 48001 })],
    ['in JSON that is cut off', posted(`{"access_token":"${secret}`)],
    ['as JSON', posted(JSON.stringify(secret))],
    ['in a prototype', posted(`{"__proto__":{"access_token":"${encoded}"}}`)],
    ['in a long body', posted({ access_token: secret.repeat(2000) })],
    ['as text', { ...posted(`access_token=${secret}`), headers: { 'content-type': 'text/plain' } }],
  ];
}
