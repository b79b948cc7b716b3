import { randomBytes } from 'node:crypto';
import { newApiKey, newApp } from './support/broker-config.js';
import type { BrokerProcess } from './support/broker-process.js';
import { findLeaks } from './support/find-leaks.js';
import { request } from './support/http-client.js';
import { OtlpReceiver } from './support/otlp-receiver.js';
import { startWorld } from './support/start-world.js';

const SHOP = { name: 'shop', ...newApp() };
const BLOG = { name: 'blog', ...newApp() };
const KEY = newApiKey();
const COLLECTOR_KEY = randomBytes(16).toString('hex');
const [SERVER, INTERNAL, CLIENT] = [2, 1, 3];

const newTrace = (isSampled: boolean) => {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, header: `00-${traceId}-${spanId}-0${isSampled ? '1' : '0'}` };
};

async function tracedWorld(receiver: OtlpReceiver, sampleRatio: number) {
  const world = await startWorld({
    apps: [SHOP, BLOG],
    keys: { orders: KEY },
    before: (platform) => {
      platform.resetSecret(newApp().appSecret, BLOG.appId);
    },
    sections: {
      tracing: {
        endpoint: receiver.endpoint,
        sampleRatio,
        headers: { authorization: `Bearer ${COLLECTOR_KEY}` },
      },
    },
  });
  await world.broker.ready();
  return world;
}

const ask = (broker: BrokerProcess, path: string, traceparent?: string, body?: unknown) =>
  request(broker.url + path, {
    key: KEY,
    ...(traceparent === undefined ? {} : { headers: { traceparent, tracestate: `vendor=${KEY}` } }),
    ...(body === undefined ? {} : { method: 'POST', body }),
  });

describe('traces', () => {
  it('continue what the callers began, down to the calls of the platform, and hold no secret', async () => {
    const receiver = await OtlpReceiver.start();
    const { broker, simulator } = await tracedWorld(receiver, 0);
    const token = await broker.token('shop');
    const read = newTrace(true);
    const report = newTrace(true);
    const failing = newTrace(true);
    const unsampled = newTrace(false);
    simulator.killToken({ appId: SHOP.appId });
    await ask(broker, `/token?app=shop&access_token=${token}&secret=${SHOP.appSecret}`, read.header);
    await ask(broker, '/token/refresh', report.header, { app: 'shop', access_token: token, errcode: 40001 });
    await ask(broker, `/token?app=blog`, failing.header);
    await ask(broker, '/token?app=shop', unsampled.header);
    await ask(broker, `/${token}?secret=${SHOP.appSecret}`, newTrace(true).header);
    await broker.stop();

    const { spans } = receiver;
    const of = ({ traceId }: { traceId: string }) => spans.filter((span) => span.traceId === traceId);
    expect(of(read)).toEqual([
      expect.objectContaining({
        name: 'GET /token',
        kind: SERVER,
        parentSpanId: read.spanId,
        attributes: {
          'http.request.method': 'GET',
          'http.route': '/token',
          'http.response.status_code': 200,
        },
      }),
    ]);
    const server = of(report).find(({ kind }) => kind === SERVER);
    expect(server).toMatchObject({ name: 'POST /token/refresh', parentSpanId: report.spanId });
    const child = (name: string, kind: number, attributes: object) =>
      expect.objectContaining({ name, kind, attributes, parentSpanId: server?.spanId }) as unknown;
    expect(of(report).filter(({ kind }) => kind !== SERVER)).toEqual([
      child('token.probe', CLIENT, { 'tokenbroker.app': 'shop', 'tokenbroker.outcome': 'rejected' }),
      child('token.fetch', CLIENT, {
        'tokenbroker.app': 'shop',
        'tokenbroker.reason': 'report',
        'tokenbroker.outcome': 'issued',
      }),
      child('token.report', INTERNAL, {
        'tokenbroker.app': 'shop',
        'tokenbroker.outcome': 'rotated',
        'tokenbroker.errcode': 40001,
      }),
    ]);
    expect(of(failing)[0]?.attributes).toMatchObject({ 'http.response.status_code': 503 });
    expect(of(unsampled)).toEqual([]);
    expect(spans.map(({ name }) => name)).toContain('GET unmatched');

    expect(receiver.headers[0]?.authorization).toBe(`Bearer ${COLLECTOR_KEY}`);
    const tokens = simulator
      .tokens()
      .map(({ token: value }, index) => [`token ${String(index)}`, value] as const);
    const secrets = { ...Object.fromEntries(tokens), KEY, SECRET: SHOP.appSecret, COLLECTOR_KEY };
    expect(findLeaks(receiver.bodies.join('\n'), secrets)).toEqual([]);
    expect(findLeaks(broker.output(), secrets)).toEqual([]);
  }, 30_000);

  it('are not begun because somebody without a known key wants them', async () => {
    const receiver = await OtlpReceiver.start();
    const { broker } = await tracedWorld(receiver, 0);
    for (const path of ['/token?app=shop', '/health/live', '/metrics', '/nowhere', '/cgi-bin/token']) {
      for (const key of [undefined, newApiKey()]) {
        await request(broker.url + path, { key, headers: { traceparent: newTrace(true).header } });
      }
    }
    await ask(broker, '/token?app=shop', newTrace(true).header);
    await broker.stop();
    expect(receiver.spans.map(({ name }) => name)).toEqual(['GET /token']);
  }, 30_000);

  it('are begun for as many requests and fetches as configured', async () => {
    const receiver = await OtlpReceiver.start();
    const { broker } = await tracedWorld(receiver, 1);
    for (let reads = 0; reads < 20; reads += 1) await broker.token('shop');
    await ask(broker, '/token?app=shop', 'no trace at all');
    await broker.stop();
    const names = receiver.spans.map(({ name }) => name);
    expect(names.filter((name) => name === 'GET /token')).toHaveLength(21);
    const fetches = receiver.spans.filter(({ name }) => name === 'token.fetch');
    expect(new Set(fetches.map(({ attributes }) => attributes['tokenbroker.errcode']))).toEqual(
      new Set([undefined, 40125]),
    );
    expect(fetches.every(({ durationMs, parentSpanId }) => durationMs >= 0 && !parentSpanId)).toBe(true);
  }, 30_000);

  it('are given up when the collector refuses them, and the log says so', async () => {
    const receiver = await OtlpReceiver.start();
    const { broker } = await tracedWorld(receiver, 1);
    receiver.behaviour = 'refuses';
    await broker.token('shop');
    expect(await broker.stop()).toBe(0);
    const lines = broker.logs().filter(({ event }) => event === 'tracing.unavailable');
    expect(lines).toEqual([expect.objectContaining({ level: 'warn' })]);
  }, 30_000);

  it('do not hold up the end when the collector hangs', async () => {
    const receiver = await OtlpReceiver.start();
    const { broker } = await tracedWorld(receiver, 1);
    receiver.behaviour = 'hangs';
    await broker.token('shop');
    const startMs = performance.now();
    expect(await broker.stop()).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(10_000);
  }, 30_000);
});
