import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientWorld } from '../../../test/support/client-world.js';
import { createEdge, keyOf } from '../../../test/support/create-edge.js';
import { eventually } from '../../../test/support/eventually.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { createTokenClient } from './create-token-client.js';
import type { TokenClientEvent } from './token-follower.js';

describe('a token client', () => {
  let world: ClientWorld;

  beforeEach(async () => {
    world = await ClientWorld.start();
  });
  afterEach(() => world.stop());

  describe('get()', () => {
    it('asks once, and then answers from memory', async () => {
      const { client } = world.connect();
      const values = await Promise.all(Array.from({ length: 100 }, () => client.get()));
      expect(new Set(values)).toEqual(new Set(['83_value-7']));
      await world.streaming();
      for (let i = 0; i < 1000; i += 1) await client.get();
      expect(world.asked('/token')).toBe(1);
      expect(world.asked('/token/events')).toBe(1);
    });

    it('sends nothing before it is used', async () => {
      world.connect();
      await sleep(50);
      expect(world.edge.observer.requests).toEqual([]);
    });

    it('has each new token as soon as it is pushed, without asking', async () => {
      const { client, events } = world.connect();
      await client.get();
      await world.streaming();
      world.rotate(8);
      await eventually('pushed', async () => (await client.get()) === '83_value-8');
      expect(world.asked('/token')).toBe(1);
      expect(events.at(-1)).toEqual({ type: 'token', generation: 8, expiresInSeconds: 6999 });
    });

    it('asks again within cache_max_age when there is no stream', async () => {
      world.edge.broker.tokens.set('shop', heldToken(7, 2500));
      const { client } = world.connect({ stream: false });
      await client.get();
      world.edge.broker.tokens.set('shop', heldToken(8, 7_000_500));
      await eventually('polled', async () => (await client.get()) === '83_value-8', 2500);
      expect(world.asked('/token/events')).toBe(0);
      expect(world.asked('/token')).toBeLessThanOrEqual(3);
    });

    it('does not go back to an older token', async () => {
      const { client } = world.connect({ stream: false });
      await client.get();
      world.rotate(9);
      expect(await client.report('83_value-7')).toBe('83_value-8');
      world.edge.broker.reportAnswer = () => ({
        kind: 'answered',
        refreshed: false,
        reason: 'already_rotated',
        token: heldToken(6, 7_000_500),
      });
      expect(await client.report('83_value-8')).toBe('83_value-8');
      expect(await client.get()).toBe('83_value-8');
    });

    it('waits for the first token', async () => {
      world.edge.broker.tokens.clear();
      world.edge.broker.currentAnswer = () => heldToken(7, 7_000_500);
      const { client } = world.connect();
      expect(await client.get()).toBe('83_value-7');
    });

    it('outlasts a broker that has none yet, for as long as it was told to', async () => {
      world.edge.broker.tokens.clear();
      const failing = world.edge.broker.currentAnswer;
      const { client, types } = world.connect({ timeoutMs: 4000 });
      const waiting = client.get();
      await eventually('degraded', () => types().includes('degraded'));
      world.edge.broker.currentAnswer = () => heldToken(7, 7_000_500);
      expect(await waiting).toBe('83_value-7');
      expect(types()).toContain('recovered');

      world.edge.broker.currentAnswer = failing;
      const impatient = world.connect({ timeoutMs: 1000 });
      await expect(impatient.client.get()).rejects.toMatchObject({
        code: 'no_token_yet',
        status: 503,
        retryAfterSeconds: 3,
      });
    });

    it.each([
      ['another', 401, 'unauthorized', 'shop'],
      ['orders', 404, 'unknown_app', 'other'],
    ])('does not wait when the broker refuses: key of %s, %i %s', async (name, status, code, app) => {
      const { client } = world.connect({ apiKey: keyOf(name), app });
      const startMs = performance.now();
      await expect(client.get()).rejects.toMatchObject({ name: 'TokenClientError', status, code });
      expect(performance.now() - startMs).toBeLessThan(1000);
    });

    it('ends with close()', async () => {
      const withoutStream = world.edge.clock.timers.size;
      const { client } = world.connect();
      await client.get();
      await world.streaming();
      client.close();
      await expect(client.get()).rejects.toMatchObject({ code: 'closed' });
      await eventually('no stream', () => {
        world.edge.clock.pass(15_000);
        return world.edge.clock.timers.size === withoutStream;
      });
    });
  });

  describe('with the broker away', () => {
    it('keeps the token to the end of its life, says so, and recovers', async () => {
      world.edge.broker.tokens.set('shop', heldToken(7, 3500));
      const { client, events, types } = world.connect({ timeoutMs: 500 });
      await client.get();
      const deadlineMs = performance.now() + 3000;
      await world.streaming();
      const { port } = new URL(world.url);
      await world.edge.app.close();
      await eventually('degraded', () => types().includes('degraded'));
      expect(events.find(({ type }) => type === 'degraded')).toMatchObject({
        error: { code: 'unreachable' },
      });
      while (performance.now() < deadlineMs - 100) {
        expect(await client.get()).toBe('83_value-7');
        await sleep(20);
      }
      await sleep(200);
      await expect(client.get()).rejects.toMatchObject({ code: 'unreachable' });

      world.edge = await createEdge();
      world.edge.broker.tokens.set('shop', heldToken(8, 7_000_500));
      await world.edge.app.listen(Number(port), '127.0.0.1');
      await eventually('recovered', () => types().includes('recovered'));
      expect(await client.get()).toBe('83_value-8');
      expect(types().filter((type) => type === 'degraded')).toHaveLength(1);
    }, 20_000);

    it('goes to another address', async () => {
      const other = await createEdge();
      other.broker.tokens.set('shop', heldToken(7, 7_000_500));
      await other.app.listen(0, '127.0.0.1');
      const { client, types } = world.connect({ url: [world.url, await other.app.getUrl()] });
      await client.get();
      await world.edge.app.close();
      await eventually('at the other', () => other.observer.requests.includes('GET /token/events 200'));
      other.broker.rotate('shop', heldToken(8, 7_000_500));
      other.clock.pass(0);
      await eventually('pushed', async () => (await client.get()) === '83_value-8');
      expect(types()).not.toContain('degraded');
      client.close();
      await other.app.close();
    });

    it('lets nobody wait for a broker that is silent, and does not ask it all the time', async () => {
      let requests = 0;
      const server = createServer((_, response) => {
        requests += 1;
        const token = { access_token: 'a', generation: 7, expires_in: 60, cache_max_age: 0.3 };
        if (requests === 1) response.end(JSON.stringify(token));
        else response.destroy();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const { client, types } = world.connect({ url: `http://127.0.0.1:${String(port)}`, stream: false });
      await client.get();
      await eventually('degraded', () => types().includes('degraded'));
      const requestsBefore = requests;
      const startMs = performance.now();
      while (performance.now() - startMs < 300) {
        expect(await client.get()).toBe('a');
        await sleep(1);
      }
      expect(requests - requestsBefore).toBeLessThan(20);
      client.close();
      server.closeAllConnections();
      server.close();
    });

    it('finds the address that answers', async () => {
      const dead = 'http://127.0.0.1:1';
      const values = Array.from({ length: 10 }, () =>
        world.connect({ url: [dead, world.url, dead] }).client.get(),
      );
      expect(new Set(await Promise.all(values))).toEqual(new Set(['83_value-7']));
    });

    it('does not trust what is no broker', async () => {
      const server = createServer((_, response) => response.end('<html>hello</html>')).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const { client } = world.connect({ url: `http://127.0.0.1:${String(port)}`, timeoutMs: 500 });
      await expect(client.get()).rejects.toMatchObject({ code: 'invalid_answer' });
      client.close();
      server.close();
    });
  });

  it('wrap() leaves the token out of the parameters, and keeps `this`', async () => {
    const { client } = world.connect();
    const shop = {
      name: 'shop',
      send: client.wrap(async function (this: { name: string }, token, to: string, count: number) {
        return { errcode: token === '83_value-8' ? 0 : 40001, sent: `${this.name} ${to} ${count}` };
      }),
    };
    expect(await shop.send('somebody', 2)).toEqual({ errcode: 0, sent: 'shop somebody 2' });
  });

  it('tells everybody who listens, also after one who throws, until they leave', async () => {
    const { client, types } = world.connect();
    const heard: TokenClientEvent[] = [];
    const leave = client.subscribe((event) => heard.push(event));
    await client.get();
    leave();
    await world.streaming();
    world.rotate(8);
    await eventually('pushed', () => types().length === 2);
    expect(heard).toHaveLength(1);
  });

  it.each([
    [{ url: 'ftp://broker' }, /plain http or https/],
    [{ url: 'http://key@broker' }, /plain http or https/],
    [{ url: 'broker' }, /Invalid URL/],
    [{ url: [] }, /names no address/],
    [{ apiKey: '' }, /keygen/],
    [{ apiKey: undefined as unknown as string }, /keygen/],
    [{ timeoutMs: 0 }, /timeoutMs/],
  ])('refuses options that cannot work: %j', (options, message) => {
    expect(() => createTokenClient({ url: 'http://broker', apiKey: 'tbk_x', ...options })).toThrow(message);
  });
});
