import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { brokerConfig, gatewayClient, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { findLeaks } from './support/find-leaks.js';
import { OtlpReceiver } from './support/otlp-receiver.js';

const MIB = 1024 * 1024;
const BODY = Buffer.alloc(10 * MIB, 'body');
/** Kept, ten of them would be 100 MiB. */
const MAX_GROWTH_MB = 60;
const MAX_BODY_BYTES = 12 * MIB;
/** The contract's. */
const ENDS_WITHIN_MS = 1000;

const SHOP = { name: 'shop', ...newApp() };
const KEY = newApiKey();
const TOKEN = `83_${randomBytes(60).toString('base64url')}`;
const UPLOAD = '/cgi-bin/media/upload';
const HOLD = '/cgi-bin/hold';

/** Reads what comes; `/cgi-bin/hold` gets no answer, `/cgi-bin/media/get` one that does not end, and `/cgi-bin/broken` none but a closed connection. */
class Platform {
  /** Calls under way, by path. */
  readonly open: string[] = [];
  private readonly server = http.createServer((request, response) => {
    const path = String(request.url).split('?')[0] ?? '';
    this.open.push(path);
    response.once('close', () => this.open.splice(this.open.indexOf(path), 1));
    request.resume();
    if (path === '/cgi-bin/media/get') {
      response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': 20 * MIB }).write('begin');
      return;
    }
    request.once('end', () => {
      if (path === '/cgi-bin/token' || path === '/cgi-bin/stable_token') {
        response.end(JSON.stringify({ access_token: TOKEN, expires_in: 7200 }));
      } else if (path === '/cgi-bin/quoting') {
        response.end(JSON.stringify({ errcode: 45009, errmsg: `url=${String(request.url)}` }));
      } else if (path === '/cgi-bin/broken') response.destroy();
      else if (path !== HOLD) response.end('{"errcode":0}');
    });
  });

  async start(): Promise<string> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close().closeAllConnections();
  }
}

describe('bodies of calls through the gateway', () => {
  const platform = new Platform();
  let collector: OtlpReceiver;
  let broker: BrokerProcess;
  const spoolDirectory = mkdtempSync(join(tmpdir(), 'spool-'));
  const agent = new http.Agent({ keepAlive: true });

  beforeAll(async () => {
    collector = await OtlpReceiver.start();
    const allow = ['* /cgi-bin/**'];
    const config = brokerConfig({
      apps: [{ ...SHOP, apiBaseUrl: await platform.start() }],
      keys: { orders: newApiKey() },
      clients: [
        gatewayClient('calls', KEY, allow, { gateway: { allow, maxBodyBytes: MAX_BODY_BYTES } }),
        gatewayClient('few', newApiKey(), ['GET /cgi-bin/user/info']),
      ],
      server: { logLevel: 'debug' },
      sections: {
        audit: { reads: 'all' },
        gateway: { spoolDirectory },
        tracing: { endpoint: collector.endpoint, sampleRatio: 1 },
      },
    });
    broker = await startBroker({ config });
    await broker.ready();
  }, 60_000);

  afterAll(() => {
    agent.destroy();
    platform.stop();
    rmSync(spoolDirectory, { recursive: true, force: true });
  });

  const proc = (name: string): string => `/proc/${String(broker.process.pid)}/${name}`;
  const residentMb = (): number =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(proc('status'), 'utf8'))?.[1]) / 1024;
  /** Open files without a name in the spool directory. */
  const spooled = (): number =>
    readdirSync(proc('fd')).filter((fd) => {
      try {
        return readlinkSync(join(proc('fd'), fd)).startsWith(spoolDirectory);
      } catch {
        return false;
      }
    }).length;
  const open = (path: string, headers: http.OutgoingHttpHeaders = {}, method = 'POST') =>
    http
      .request(`${broker.url}/gateway/shop${path}`, {
        agent,
        method,
        headers: { authorization: `Bearer ${KEY}`, ...headers },
      })
      .on('error', () => undefined);
  const answerTo = async (request: http.ClientRequest, body: string | Buffer) => {
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    return { status: response.statusCode, text: await text(response) };
  };
  const upload = (isChunked: boolean, body = BODY) =>
    answerTo(
      open(UPLOAD, isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }),
      body,
    );

  it.each([
    ['with their length', 20, false],
    ['in chunks', 10, true],
  ])(
    'are not kept, sent %s: %i uploads of 10 MiB',
    async (_, uploads, isChunked) => {
      const warmUp = 5;
      let before = 0;
      for (let at = 0; at < warmUp + uploads; at += 1) {
        if (at === warmUp) before = residentMb();
        expect((await upload(isChunked)).status).toBe(200);
      }
      expect(residentMb() - before).toBeLessThan(MAX_GROWTH_MB);
      await eventually('every file to be closed', () => spooled() === 0);
    },
    60_000,
  );

  const begin = async (path: string) => {
    const request = open(path, { 'transfer-encoding': 'chunked' });
    request.write(Buffer.alloc(2 * MIB));
    await eventually('a file', () => spooled() === 1);
    // Before a byte is written: whatever ends the process leaves nothing of a body.
    await eventually('its name to be gone', () => readdirSync(spoolDirectory).length === 0);
    return request;
  };

  it('leave no file when the call is through, refused for its size, or given up by its caller', async () => {
    const whole = await begin(UPLOAD);
    expect(await answerTo(whole, '')).toEqual({ status: 200, text: '{"errcode":0}' });
    await eventually('the file of a call that is through to be closed', () => spooled() === 0);

    const large = await begin(UPLOAD);
    expect((await answerTo(large, Buffer.alloc(MAX_BODY_BYTES))).status).toBe(413);
    await eventually('the file of a body that is too large to be closed', () => spooled() === 0);

    (await begin(UPLOAD)).destroy();
    await eventually('the file of a caller who hung up to be closed', () => spooled() === 0);

    const sent = await begin(HOLD);
    sent.end();
    await eventually('the call to arrive', () => platform.open.includes(HOLD));
    sent.destroy();
    await eventually('the file of a call that was given up to be closed', () => spooled() === 0);
    expect(readdirSync(spoolDirectory)).toEqual([]);
  });

  it.each([
    ['before there is an answer', HOLD, 'GET'],
    ['in the midst of its answer', '/cgi-bin/media/get', 'GET'],
    ['in the midst of its body', UPLOAD, 'POST'],
  ])(
    'and their calls end at the platform within a second of their caller hanging up %s',
    async (_, path, method) => {
      const request = open(path, method === 'POST' ? { 'content-length': 10 * MIB } : {}, method);
      // Before it is sent: an answer may be there as soon as the call has arrived.
      const answered = path !== HOLD && method === 'GET' ? once(request, 'response') : null;
      if (method === 'GET') request.end();
      else request.write(Buffer.alloc(2 * MIB));
      await eventually('the call to arrive', () => platform.open.includes(path));
      await answered;
      const hungUpAt = performance.now();
      request.destroy();
      await eventually('the call to end', () => !platform.open.includes(path));
      expect(performance.now() - hungUpAt).toBeLessThan(ENDS_WITHIN_MS);
    },
  );

  it('are in no log, metric, trace or error, nor are queries, headers, key and token', async () => {
    const canary = (name: string) => `${name}-${randomBytes(12).toString('hex')}`;
    const secrets = {
      body: canary('body'),
      query: canary('query'),
      header: canary('header'),
      contentType: canary('type'),
      stripped: canary('stripped'),
    };
    const { body, query, header, contentType, stripped } = secrets;
    const errors: string[] = [];
    for (const [path, size] of [
      [UPLOAD, 0],
      ['/cgi-bin/quoting', 0],
      ['/cgi-bin/broken', 0],
      ['/cgi-bin/token', 0],
      ['/cgi-bin/component/api', 0],
      [`/cgi-bin/../${query}`, 0],
      [`/other/${query}`, 0],
      [UPLOAD, MAX_BODY_BYTES + 1],
    ] as const) {
      const request = open(`${path}?q=${query}&access_token=${stripped}&secret=${stripped}`, {
        'content-type': contentType,
        'user-agent': header,
        'wechatmp-serial': header,
        cookie: header,
      });
      errors.push((await answerTo(request, body.padEnd(size, 'x'))).text);
    }
    const metrics = await broker.metrics();
    expect(await broker.stop()).toBe(0);
    const seen = {
      log: broker.output(),
      metrics,
      errors: errors.join('\n'),
      traces: collector.bodies.join('\n'),
    };
    expect(seen.log).toContain('gateway.call');
    expect(seen.metrics).toContain('outcome="lost"');
    expect(seen.errors).toContain('path_not_allowed');
    expect(seen.traces).toContain('/gateway/:app/*');
    // The platform's own answer quotes the query that it got, but for the token.
    const known = { key: KEY, token: TOKEN, appSecret: SHOP.appSecret };
    expect(findLeaks(seen.errors, { body, header, contentType, stripped, ...known })).toEqual([]);
    for (const text of [seen.log, seen.metrics, seen.traces]) {
      expect(findLeaks(text, { ...secrets, ...known })).toEqual([]);
    }
  });
});
