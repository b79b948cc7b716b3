import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { request as open, type IncomingHttpHeaders } from 'node:http';
import { BareConnection } from './support/bare-connection.js';
import { gatewayClient, newApiKey, newApp } from './support/broker-config.js';
import { startWorld, type World } from './support/start-world.js';

const SHOP = { name: 'shop', ...newApp() };
const KEY = newApiKey();
const MIB = 1024 * 1024;
const RUNS = 200;

interface Call {
  readonly method: string;
  readonly contentType: string | undefined;
  /** Says what the bytes are; nobody looks. */
  readonly contentEncoding: string | undefined;
  readonly query: readonly (readonly [string, string])[];
  /** A large one is told by its size, so that a failure can be read. */
  readonly body: Buffer | { readonly size: number; readonly seed: Uint8Array };
  readonly isChunked: boolean;
  /** Waits for 100 Continue before it sends the body, as .NET Framework and curl do. */
  readonly isExpecting: boolean;
  /** On the platform's own path, with a virtual token; else below /gateway, with the API key. */
  readonly isVirtual: boolean;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
/** JSON with odd spacing and escapes, which nobody may write anew. */
const json = fc
  .tuple(fc.json(), fc.constantFrom('', ' ', '\n\t', '\r\n  '), text)
  .map(([value, gap, name]) =>
    Buffer.from(
      `${gap}{${gap}"\\u4f60${JSON.stringify(name).slice(1)}:${gap}${value} ,"errcode":0, "n":1.50e+2${gap}}`,
    ),
  );
const multipart = fc
  .tuple(fc.uint8Array({ maxLength: 3000 }), text)
  .map(([file, name]) =>
    Buffer.concat([
      Buffer.from(
        `--b0\r\nContent-Disposition: form-data; name="media"; filename="图 ${name.replaceAll(/["\r\n]/g, '')}.png"; filelength=${file.length}\r\nContent-Type: image/png\r\n\r\n`,
      ),
      file,
      Buffer.from('\r\n--b0--\r\n'),
    ]),
  );
const binary = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes));
/** Around the limits of what is held and looked into. */
const large = fc
  .tuple(
    fc.constantFrom(64 * 1024, MIB),
    fc.integer({ min: -2, max: 2 }),
    fc.uint8Array({ minLength: 7, maxLength: 13 }),
  )
  .map(([size, more, seed]) => ({ size: size + more, seed }));
const huge = fc
  .tuple(fc.integer({ min: 2 * MIB, max: 32 * MIB }), fc.uint8Array({ minLength: 7, maxLength: 13 }))
  .map(([size, seed]) => ({ size, seed }));

const calls: fc.Arbitrary<Call> = fc.record({
  method: fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE'),
  contentType: fc.constantFrom(
    undefined,
    'application/json',
    'application/octet-stream',
    'text/plain;charset=utf-8',
    'multipart/form-data; boundary=b0',
    'application/x-www-form-urlencoded',
    'json',
    ';;',
  ),
  contentEncoding: fc.constantFrom(undefined, 'gzip'),
  query: fc.array(fc.tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }), text), {
    maxLength: 4,
  }),
  body: fc.oneof(
    { arbitrary: json, weight: 30 },
    { arbitrary: multipart, weight: 30 },
    { arbitrary: binary, weight: 30 },
    { arbitrary: large, weight: 10 },
    { arbitrary: huge, weight: 2 },
  ),
  isChunked: fc.boolean(),
  isExpecting: fc.boolean(),
  isVirtual: fc.boolean(),
});

describe('what goes through the gateway', () => {
  let world: World;
  let virtual: string;

  beforeAll(async () => {
    world = await startWorld({
      apps: [SHOP],
      clients: [
        gatewayClient('calls', KEY, ['* /cgi-bin/echo', 'GET /cgi-bin/user/info', 'GET /cgi-bin/token'], {
          virtualTokens: true,
        }),
      ],
      sections: { encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] } },
    });
    await world.broker.ready();
    const asked = { grant_type: 'client_credential', appid: SHOP.appId, secret: KEY };
    const answer = await fetch(`${world.broker.url}/cgi-bin/stable_token`, {
      method: 'POST',
      body: JSON.stringify(asked),
    });
    virtual = ((await answer.json()) as { access_token: string }).access_token;
  }, 60_000);

  function send(
    { method, contentType, contentEncoding, query, isChunked, isExpecting, isVirtual }: Call,
    body: Buffer,
  ): Promise<Answer> {
    const encoded = query.map((pair) => pair.map(encodeURIComponent).join('='));
    const path = isVirtual
      ? `/cgi-bin/echo?${[`access_token=${virtual}`, ...encoded].join('&')}`
      : `/gateway/shop/cgi-bin/echo?${encoded.join('&')}`;
    return new Promise((resolve, reject) => {
      const request = open(
        `${world.broker.url}${path}`,
        {
          method,
          headers: {
            ...(!isVirtual && { authorization: `Bearer ${KEY}` }),
            'user-agent': 'sdk/1.0',
            'wechatmp-signature': 's1',
            cookie: 'not=this',
            ...(contentType !== undefined && { 'content-type': contentType }),
            ...(contentEncoding !== undefined && { 'content-encoding': contentEncoding }),
            ...(isExpecting && { expect: '100-continue' }),
            ...(isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('error', reject);
          response.once('end', () => {
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks),
            });
          });
        },
      );
      request.once('error', reject);
      if (isExpecting) request.once('continue', () => request.end(body)).flushHeaders();
      else request.end(body);
    });
  }

  it(`arrives byte for byte, in ${RUNS} calls and their answers`, async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (call) => {
        const sent = Buffer.isBuffer(call.body) ? call.body : Buffer.alloc(call.body.size, call.body.seed);
        const { status, headers, body } = await send(call, sent);
        if (status !== 200) throw new Error(`${status}: ${body.toString()}`);
        expect(body.equals(sent)).toBe(true);
        expect(headers['content-type']).toBe(call.contentType);
        expect(headers['content-length']).toBe(String(sent.length));
        const seen = JSON.parse(Buffer.from(String(headers['wechatmp-echo']), 'base64url').toString()) as {
          readonly method: string;
          readonly headers: IncomingHttpHeaders;
          readonly query: unknown;
        };
        expect(seen.method).toBe(call.method);
        expect(seen.query).toEqual(call.query);
        expect(seen.headers).toEqual({
          host: new URL(world.simulator.url).host,
          connection: 'keep-alive',
          'user-agent': 'sdk/1.0',
          'wechatmp-signature': 's1',
          // Without a body DELETE needs none.
          ...((sent.length > 0 || call.method !== 'DELETE') && { 'content-length': String(sent.length) }),
          ...(call.contentType !== undefined && { 'content-type': call.contentType }),
          ...(call.contentEncoding !== undefined && { 'content-encoding': call.contentEncoding }),
        });
      }),
      { numRuns: RUNS },
    );
  }, 120_000);

  // prettier-ignore
  const TARGETS: [status: number, target: string][] = [
    ...['http://evil.example/cgi-bin/echo', 'https://evil.example/', 'http://127.0.0.1/gateway/shop/cgi-bin/echo', 'ftp://x/', 'evil.example:443',
      'cgi-bin/echo'].map((target) => [400, target] as [number, string]),
    [404, '//evil.example/cgi-bin/echo'],
    ...['//cgi-bin/echo', '/cgi-bin//echo', '/cgi-bin/../cgi-bin/echo', '/../token', '/..', '/.', '/./cgi-bin/echo', '/cgi-bin/echo/..', '/cgi-bin/echo/.',
      '/x/../cgi-bin/echo', '/cgi-bin/%2e%2e/cgi-bin/echo', '/cgi-bin/%2E%2E/token', '/cgi-bin/.%2e/echo', '/cgi-bin/%2e/echo', '/%2e%2e/%2e%2e/token',
      '/cgi-bin%2fecho', '/cgi-bin%2Fecho', '/%2fevil.example/cgi-bin/echo', '/%2f%2fevil.example', '/cgi-bin%5cecho', '/cgi-bin%5Cecho', '/cgi-bin\\echo',
      '/\\evil.example', '/cgi-bin/..\\token', '/cgi-bin/..%5ctoken', '/cgi-bin/..%2ftoken', '/cgi-bin/%252e%252e/token', '/cgi-bin%252fecho', '/%25',
      '/cgi-bin/echo;x=1', '/cgi-bin/echo%3bx', '/cgi-bin/..;/token', '/cgi-bin/echo%00', '/cgi-bin/echo%0a', '/cgi-bin/echo%0d%0aHost:%20evil',
      '/cgi-bin/%zz', '/cgi-bin/%', '/cgi-bin/%c0%ae%c0%ae/token', '/cgi-bin/%ff', '/cgi-bin/echo#x', '/cgi-bin/echo?x#y',
      '/@evil.example/../echo', '/cgi-bin/echo/%2e', '/cgi-bin/echo%7f'].map((path) => [400, `/gateway/shop${path}`] as [number, string]),
    ...['/gateway', '/gateway/', '/gateway/shop', '/gateway//shop/cgi-bin/echo', '/gateway/../gateway/shop/cgi-bin/echo', '/gateway/SHOP/cgi-bin/echo',
      '/gateway/%73hop/cgi-bin/echo', '/%67ateway/shop/cgi-bin/echo', '/gateway/other/cgi-bin/echo', '/gateway/shop@evil.example/cgi-bin/echo'].map((target) => [404, target] as [number, string]),
    ...['/cgi-bin/token', '/CGI-BIN/TOKEN', '/cgi-bin/token/', '/cgi-bin/%74oken', '/%63gi-bin/token?a=b'].map((path) => [403, `/gateway/shop${path}`] as [number, string]),
  ];

  it(`reaches no other path and no other host: ${TARGETS.length} raw requests`, async () => {
    const arrived = () => world.simulator.calls().counts.reduce((sum, { requests }) => sum + requests, 0);
    const before = arrived();
    for (const [status, target] of TARGETS) {
      const connection = await BareConnection.to(world.broker.url);
      connection.write(
        `GET ${target} HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer ${KEY}\r\nConnection: close\r\n\r\n`,
      );
      await connection.closed;
      expect({ target, statuses: connection.statuses }).toEqual({ target, statuses: [status] });
    }
    expect(arrived()).toBe(before);
  });
});
