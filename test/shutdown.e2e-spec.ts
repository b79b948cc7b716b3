import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type Reply } from './nemesis/ask.js';
import { Cluster } from './nemesis/cluster.js';
import type { Replica } from './nemesis/replica.js';
import { awaitedLater } from './support/awaited-later.js';
import { newApp } from './support/broker-config.js';
import type { BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { startWorld } from './support/start-world.js';

const SHOP = { name: 'shop', ...newApp() };

describe('SIGTERM', () => {
  it('leaves a drain in which the replica is not ready and else as before', async () => {
    const { simulator, broker } = await startWorld({ apps: [SHOP], server: { drainSeconds: 2 } });
    await broker.ready();
    const startMs = performance.now();
    broker.process.signal('SIGTERM');
    await eventually('unready', async () => (await broker.get('/health/ready')).body.code === 'stopping');

    const rotated = await broker.post('/token/refresh', { force: true });
    expect(rotated.body).toMatchObject({ refreshed: true, reason: 'rotated' });
    expect(rotated.headers.get('connection')).toBe('close');
    expect(simulator.verdict(await broker.token()).newest).toBe(true);

    expect(await broker.process.ended).toBe(0);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(2000);
  }, 30_000);

  it('awaits no caller who never sends a request, or only half of one', async () => {
    const { broker } = await startWorld({ apps: [SHOP] });
    await broker.ready();
    const halves = [
      '',
      'GET /token HTTP/1.1\r\nHost: broker\r\n',
      'POST /token/refresh HTTP/1.1\r\nHost: broker\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{',
    ];
    const sockets = await Promise.all(halves.map((half) => send(broker, half)));
    // What was sent before this request has been read before it.
    await broker.get('/health/live');

    const startMs = performance.now();
    expect(await broker.stop()).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(10_000);
    for (const socket of sockets) socket.destroy();
  }, 30_000);

  it('awaits a platform that does not answer only for its time limit, and then tells the caller', async () => {
    const { simulator, broker } = await startWorld({
      apps: [{ ...SHOP, refresh: { upstreamTimeoutSeconds: 1, leaseSeconds: 3 } }],
      before: (platform) => {
        platform.addFault({ times: 0, holdUntilReleased: true });
      },
    });
    await eventually('asked', () => simulator.calls().log.length > 0);
    const waiting = awaitedLater(broker.get('/token'));
    const startMs = performance.now();
    expect(await broker.stop()).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(7000);
    const answer = await waiting;
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }, 30_000);
});

/** A connection on which nothing more will follow. */
async function send({ url }: BrokerProcess, text: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return socket;
}

describe('a rolling restart under load', () => {
  it('loses no request of callers that retry once', async () => {
    const cluster = await Cluster.create({ replicas: 2 });
    try {
      await cluster.start();
      const callers = new Callers(cluster);
      for (const replica of cluster.replicas) {
        expect(await replica.terminate()).toBe(0);
        await replica.start();
        await replica.ready();
      }
      const { answers, retries } = await callers.stop();

      expect(answers.filter(({ status }) => status !== 200).length).toBe(0);
      expect(answers.length).toBeGreaterThan(100);
      expect(retries).toBeGreaterThan(0);
    } finally {
      await cluster.stop();
    }
  }, 90_000);
});

/** They take the replicas in turn, not knowing which are up, over connections that they keep. */
class Callers {
  private readonly answers: Reply[] = [];
  private retries = 0;
  private isOver = false;
  private readonly all: readonly Promise<void>[];

  constructor(private readonly cluster: Cluster) {
    this.all = Array.from({ length: 8 }, (_, index) => this.call(index));
  }

  async stop(): Promise<{ readonly answers: readonly Reply[]; readonly retries: number }> {
    this.isOver = true;
    await Promise.all(this.all);
    return { answers: this.answers, retries: this.retries };
  }

  private async call(first: number): Promise<void> {
    const { replicas } = this.cluster;
    for (let turn = first; !this.isOver; turn++) {
      const answer = await this.get(this.cluster.replica(turn % replicas.length));
      if (answer.status === 200) this.answers.push(answer);
      else this.answers.push(await this.retry(this.cluster.replica((turn + 1) % replicas.length)));
      await sleep(5);
    }
  }

  private retry(replica: Replica): Promise<Reply> {
    this.retries += 1;
    return this.get(replica);
  }

  private get({ url }: Replica): Promise<Reply> {
    return ask({ url: `${url}/token?app=stable`, key: this.cluster.key, timeoutMs: 5000 });
  }
}
