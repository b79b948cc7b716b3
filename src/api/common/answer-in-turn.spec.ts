import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BareConnection } from '../../../test/support/bare-connection.js';
import { createEdge, type Edge } from '../../../test/support/create-edge.js';
import { eventually } from '../../../test/support/eventually.js';
import { answerInTurn, MAX_WAITING_REQUESTS } from './answer-in-turn.js';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`;

describe('requests of one connection', () => {
  let edge: Edge;
  let url: string;

  beforeAll(async () => {
    edge = await createEdge();
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
  });
  afterAll(() => edge.app.close());
  beforeEach(() => {
    edge.observer.overloads.length = 0;
    edge.observer.requests.length = 0;
  });

  it('are answered in their order, though they came without waiting', async () => {
    const connection = await BareConnection.to(url);
    connection.write(get('/health/live') + get('/nowhere') + post('/token/refresh') + get('/health/live'));
    await eventually('four answers', () => connection.statuses.length === 4);
    expect(connection.statuses).toEqual([200, 404, 401, 200]);
    expect(edge.observer.overloads).toEqual([]);
    connection.socket.destroy();
  });

  it.each([
    ['without a body', get('/health/live'), 200, MAX_WAITING_REQUESTS + 1],
    ['with a wrong key', get('/apps'), 401, MAX_WAITING_REQUESTS + 1],
    ['with a body', post('/token/refresh'), 401, 2 * MAX_WAITING_REQUESTS],
  ])('are so many at most, and then 503 and the end: %s', async (_, request, status, most) => {
    const connection = await BareConnection.to(url);
    connection.write(request.repeat(1000));
    await connection.closed;
    const answered = connection.statuses.filter((one) => one === status).length;
    expect(answered).toBeGreaterThanOrEqual(MAX_WAITING_REQUESTS);
    expect(answered).toBeLessThanOrEqual(most);
    expect(connection.statuses.slice(answered)).toEqual([503]);
    expect(connection.received).toMatch(/Retry-After: 1\r\n[^]*"code":"overloaded"/);
    expect(edge.observer.overloads).toEqual(['pipelining 127.0.0.1']);
  });

  it('are as many as one likes when each waits for its answer', async () => {
    const connection = await BareConnection.to(url);
    for (let sent = 1; sent <= 10 * MAX_WAITING_REQUESTS; sent += 1) {
      connection.write(sent % 2 === 0 ? get('/health/live') : post('/token/refresh'));
      await eventually('an answer', () => connection.statuses.length === sent);
    }
    expect(edge.observer.overloads).toEqual([]);
    connection.socket.destroy();
  });

  it('do no harm to others when their caller reads nothing', async () => {
    const floods = await Promise.all(
      Array.from({ length: 20 }, () => BareConnection.to(url, { reads: false })),
    );
    for (const flood of floods) flood.write(get('/metrics').repeat(1700));
    const response = await fetch(`${url}/health/live`);
    expect(response.status).toBe(200);
    expect(edge.metrics.renderings).toBe(1);
    for (const flood of floods) flood.socket.destroy();
  });

  it.each([
    ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['the same host twice', 'GET /token HTTP/1.1\r\nhost: a\r\nHOST: a\r\n\r\n'],
    ['two hosts in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['HTTP/2.0', 'GET /token HTTP/2.0\r\nHost: a\r\n\r\n'],
    ['HTTP/0.9', 'GET /token HTTP/0.9\r\nHost: a\r\n\r\n'],
  ])('are refused as invalid with %s', async (_, request) => {
    const connection = await BareConnection.to(url);
    connection.write(request);
    await connection.closed;
    expect(connection.statuses).toEqual([400]);
    expect(connection.received).toMatch(/application\/problem\+json[^]*"code":"invalid_request"/);
    expect(edge.observer.requests).toEqual(['GET unmatched 400']);
  });

  it.each([
    ['HTTP/1.0 without a host', 'GET /health/live HTTP/1.0\r\n\r\n'],
    ['an expectation that nobody knows', 'GET /health/live HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n'],
  ])('are served with %s', async (_, request) => {
    const connection = await BareConnection.to(url);
    connection.write(request);
    await eventually('an answer', () => connection.statuses.length > 0);
    expect(connection.statuses).toEqual([200]);
    connection.socket.destroy();
  });
});

describe('answerInTurn', () => {
  it('begins no answer before the one ahead of it was taken', async () => {
    let begun = 0;
    const listener: RequestListener = (_request, response) => {
      begun += 1;
      response.end(Buffer.alloc(16 * 1024 * 1024));
    };
    const server = createServer(listener);
    answerInTurn(server, (await createEdge()).observer, () => false);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const connection = await BareConnection.to(url, { reads: false });
    connection.write(get('/').repeat(3));
    await eventually('begun', () => begun > 0);
    const other = await fetch(url);
    await other.body?.cancel();
    expect(begun).toBe(2);
    connection.socket.resume();
    await eventually('all three, and that of the other', () => begun === 4);
    connection.socket.destroy();
    server.closeAllConnections();
    server.close();
  });
});
