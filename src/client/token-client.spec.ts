import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiClient, createEdge, keyOf, type Edge } from '../../test/support/create-edge.js';
import { eventually } from '../../test/support/eventually.js';
import { heldToken } from '../../test/support/fake-broker.js';
import { BrokerError } from '../core/errors.js';
import { createTokenClient, type TokenClientOptions } from './create-token-client.js';
import type { TokenClientEvent } from './token-client-event.js';
import type { TokenClient } from './token-client.js';

const DEAD = { errcode: 40001, errmsg: 'invalid credential, access_token is invalid or not latest' };
const FINE = { errcode: 0, errmsg: 'ok' };

describe('a token client', () => {
  let edge: Edge;
  let url: string;
  const clients: TokenClient[] = [];

  beforeEach(async () => {
    edge = await createEdge({
      clients: [apiClient('orders'), apiClient('reader', { scopes: ['token:read'] })],
    });
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
    edge.broker.tokens.set('shop', heldToken(7, 7_000_500));
    edge.broker.reportAnswer = () => {
      const token = heldToken(8, 7_000_500);
      rotate(8);
      return { kind: 'answered', refreshed: true, reason: 'rotated', token };
    };
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    // Also those on which nothing was asked yet, for which the server would wait.
    edge.app.getHttpServer().closeAllConnections();
    await edge.app.close();
  });

  const rotate = (generation: number, lifeMs = 7_000_500): void => {
    edge.broker.rotate('shop', heldToken(generation, lifeMs));
    edge.clock.pass(0);
  };

  /** With all that it told. */
  const connect = (options: Partial<TokenClientOptions> = {}) => {
    const client = createTokenClient({ url, apiKey: keyOf('orders'), app: 'shop', ...options });
    const events: TokenClientEvent[] = [];
    client.subscribe((event) => events.push(event));
    clients.push(client);
    const types = () => events.map(({ type }) => type);
    return { client, events, types };
  };

  const streaming = (count = 1): Promise<unknown> =>
    eventually(
      'an open stream',
      () => edge.observer.requests.filter((one) => one === 'GET /token/events 200').length >= count,
    );

  const asked = (route: string): number =>
    edge.observer.requests.filter((one) => one.includes(` ${route} `)).length;

  describe('get()', () => {
    it('asks once, and then answers from memory', async () => {
      const { client } = connect();
      const values = await Promise.all(Array.from({ length: 100 }, () => client.get()));
      expect(new Set(values)).toEqual(new Set(['83_value-7']));
      await streaming();
      for (let i = 0; i < 1000; i += 1) await client.get();
      expect(asked('/token')).toBe(1);
      expect(asked('/token/events')).toBe(1);
    });

    it('sends nothing before it is used', async () => {
      connect();
      await sleep(50);
      expect(edge.observer.requests).toEqual([]);
    });

    it('has each new token as soon as it is pushed, without asking', async () => {
      const { client, events } = connect();
      await client.get();
      await streaming();
      rotate(8);
      await eventually('pushed', async () => (await client.get()) === '83_value-8');
      expect(asked('/token')).toBe(1);
      expect(events.at(-1)).toEqual({ type: 'token', generation: 8, expiresInSeconds: 6999 });
    });

    it('asks again within cache_max_age when there is no stream', async () => {
      edge.broker.tokens.set('shop', heldToken(7, 2500));
      const { client } = connect({ stream: false });
      await client.get();
      edge.broker.tokens.set('shop', heldToken(8, 7_000_500));
      await eventually('polled', async () => (await client.get()) === '83_value-8', 2500);
      expect(asked('/token/events')).toBe(0);
      expect(asked('/token')).toBeLessThanOrEqual(3);
    });

    it('does not go back to an older token', async () => {
      const { client } = connect({ stream: false });
      await client.get();
      rotate(9);
      expect(await client.report('83_value-7')).toBe('83_value-8');
      edge.broker.reportAnswer = () => ({
        kind: 'answered',
        refreshed: false,
        reason: 'already_rotated',
        token: heldToken(6, 7_000_500),
      });
      expect(await client.report('83_value-8')).toBe('83_value-8');
      expect(await client.get()).toBe('83_value-8');
    });

    it('waits for the first token', async () => {
      edge.broker.tokens.clear();
      edge.broker.currentAnswer = () => heldToken(7, 7_000_500);
      const { client } = connect();
      expect(await client.get()).toBe('83_value-7');
    });

    it('outlasts a broker that has none yet, for as long as it was told to', async () => {
      edge.broker.tokens.clear();
      const failing = edge.broker.currentAnswer;
      const { client, types } = connect({ timeoutMs: 4000 });
      const waiting = client.get();
      await eventually('degraded', () => types().includes('degraded'));
      edge.broker.currentAnswer = () => heldToken(7, 7_000_500);
      expect(await waiting).toBe('83_value-7');
      expect(types()).toContain('recovered');

      edge.broker.currentAnswer = failing;
      const impatient = connect({ timeoutMs: 1000 });
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
      const { client } = connect({ apiKey: keyOf(name), app });
      const startMs = performance.now();
      await expect(client.get()).rejects.toMatchObject({ name: 'TokenClientError', status, code });
      expect(performance.now() - startMs).toBeLessThan(1000);
    });

    it('ends with close()', async () => {
      const { client } = connect();
      await client.get();
      await streaming();
      client.close();
      await expect(client.get()).rejects.toMatchObject({ code: 'closed' });
      await eventually('no stream', () => {
        edge.clock.pass(15_000);
        return edge.clock.timers.size === 0;
      });
    });
  });

  describe('with the broker away', () => {
    it('keeps the token to the end of its life, says so, and recovers', async () => {
      edge.broker.tokens.set('shop', heldToken(7, 3500));
      const { client, events, types } = connect({ timeoutMs: 500 });
      await client.get();
      const deadlineMs = performance.now() + 3000;
      await streaming();
      const { port } = new URL(url);
      await edge.app.close();
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

      edge = await createEdge();
      edge.broker.tokens.set('shop', heldToken(8, 7_000_500));
      await edge.app.listen(Number(port), '127.0.0.1');
      await eventually('recovered', () => types().includes('recovered'));
      expect(await client.get()).toBe('83_value-8');
      expect(types().filter((type) => type === 'degraded')).toHaveLength(1);
    }, 20_000);

    it('goes to another address', async () => {
      const other = await createEdge();
      other.broker.tokens.set('shop', heldToken(7, 7_000_500));
      await other.app.listen(0, '127.0.0.1');
      const { client, types } = connect({ url: [url, await other.app.getUrl()] });
      await client.get();
      await edge.app.close();
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
      const { client, types } = connect({ url: `http://127.0.0.1:${String(port)}`, stream: false });
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
      const values = Array.from({ length: 10 }, () => connect({ url: [dead, url, dead] }).client.get());
      expect(new Set(await Promise.all(values))).toEqual(new Set(['83_value-7']));
    });

    it('does not trust what is no broker', async () => {
      const server = createServer((_, response) => response.end('<html>hello</html>')).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const { client } = connect({ url: `http://127.0.0.1:${String(port)}`, timeoutMs: 500 });
      await expect(client.get()).rejects.toMatchObject({ code: 'invalid_answer' });
      client.close();
      server.close();
    });
  });

  describe('call()', () => {
    /** What the platform answers while this token is the living one. */
    const platform = (living: string, refused: unknown = DEAD) => {
      const seen: string[] = [];
      const work = (token: string): unknown => {
        seen.push(token);
        return token === living ? FINE : refused;
      };
      return { seen, work };
    };

    it('passes the answer through when the token is good', async () => {
      const { client } = connect();
      const { seen, work } = platform('83_value-7');
      expect(await client.call(work)).toBe(FINE);
      expect(seen).toEqual(['83_value-7']);
      expect(edge.broker.reports).toEqual([]);
    });

    it.each([40001, 42001, 40014])('reports %i, and runs once more with the new token', async (errcode) => {
      const { client } = connect();
      const { seen, work } = platform('83_value-8', { ...DEAD, errcode });
      expect(await client.call(work)).toBe(FINE);
      expect(seen).toEqual(['83_value-7', '83_value-8']);
      expect(edge.broker.reports).toMatchObject([
        { app: 'shop', report: { accessToken: '83_value-7', generation: 7, errcode } },
      ]);
    });

    it('does the same when it throws', async () => {
      const { client } = connect();
      const seen: string[] = [];
      const answer = await client.call((token) => {
        seen.push(token);
        if (token !== '83_value-8') throw Object.assign(new Error('refused'), { errcode: 42001 });
        return FINE;
      });
      expect(answer).toBe(FINE);
      expect(seen).toEqual(['83_value-7', '83_value-8']);
    });

    it('never runs a third time', async () => {
      const { client } = connect();
      const { seen, work } = platform('none at all');
      expect(await client.call(work)).toBe(DEAD);
      expect(seen).toEqual(['83_value-7', '83_value-8']);
      expect(edge.broker.reports).toHaveLength(1);
    });

    it('leaves other errcodes and errors alone', async () => {
      const { client } = connect();
      const answer = { errcode: 48001, errmsg: 'api unauthorized' };
      expect(await client.call(() => answer)).toBe(answer);
      const error = new Error('mine');
      await expect(client.call(() => Promise.reject(error))).rejects.toBe(error);
      expect(edge.broker.reports).toEqual([]);
    });

    it('takes a newer token that it has already, without a report', async () => {
      const { client } = connect();
      const seen: string[] = [];
      const answer = await client.call(async (token) => {
        seen.push(token);
        if (seen.length > 1) return FINE;
        await streaming();
        rotate(8);
        await eventually('pushed', async () => (await client.get()) === '83_value-8');
        return DEAD;
      });
      expect(answer).toBe(FINE);
      expect(seen).toEqual(['83_value-7', '83_value-8']);
      expect(edge.broker.reports).toEqual([]);
    });

    it('heals 100 calls at once with one report', async () => {
      const { client } = connect();
      const { seen, work } = platform('83_value-8');
      const answers = await Promise.all(Array.from({ length: 100 }, () => client.call(work)));
      expect(answers).toEqual(Array.from({ length: 100 }, () => FINE));
      expect(edge.broker.reports).toHaveLength(1);
      expect(seen.filter((token) => token === '83_value-8')).toHaveLength(100);
    });

    it('shares the answer with those who come a little later, when the broker finds the token good', async () => {
      edge.broker.reportAnswer = () => ({
        kind: 'answered',
        refreshed: false,
        reason: 'still_valid',
        token: heldToken(7, 7_000_500),
      });
      const { client } = connect();
      const { seen, work } = platform('none at all');
      await client.call(work);
      await client.call(work);
      expect(edge.broker.reports).toHaveLength(1);
      expect(seen).toHaveLength(4);
    });

    it('returns what the platform said when the broker has no other token', async () => {
      edge.broker.reportAnswer = () => {
        throw new Error('broken');
      };
      const { client, events } = connect({ timeoutMs: 500 });
      expect(await client.call(() => DEAD)).toBe(DEAD);
      const error = Object.assign(new Error('refused'), { errcode: 40014 });
      await expect(client.call(() => Promise.reject(error))).rejects.toBe(error);
      expect(events.filter(({ type }) => type === 'report_failed')).toMatchObject([
        { errcode: 40001, error: { status: 500 } },
        { errcode: 40014, error: { status: 500 } },
      ]);
    });

    it('waits for the token that the broker has not yet, and takes it from the stream', async () => {
      edge.broker.reportAnswer = () => {
        throw new BrokerError('upstream_unavailable', 'No answer.', { retryAfterSeconds: 5 });
      };
      const { client } = connect();
      await client.get();
      await streaming();
      const { work } = platform('83_value-8');
      const calls = Promise.all([client.call(work), client.call(work)]);
      await eventually('reported', () => edge.broker.reports.length > 0);
      rotate(8);
      expect(await calls).toEqual([FINE, FINE]);
      expect(edge.broker.reports).toHaveLength(1);
    });

    it('says so when its key may not report', async () => {
      const { client, events } = connect({ apiKey: keyOf('reader') });
      expect(await client.call(() => DEAD)).toBe(DEAD);
      expect(events.at(-1)).toMatchObject({ type: 'report_failed', error: { code: 'forbidden' } });
    });
  });

  it('wrap() leaves the token out of the parameters, and keeps `this`', async () => {
    const { client } = connect();
    const shop = {
      name: 'shop',
      send: client.wrap(async function (this: { name: string }, token, to: string, count: number) {
        return { errcode: token === '83_value-8' ? 0 : 40001, sent: `${this.name} ${to} ${count}` };
      }),
    };
    expect(await shop.send('somebody', 2)).toEqual({ errcode: 0, sent: 'shop somebody 2' });
  });

  it('tells everybody who listens, also after one who throws, until they leave', async () => {
    const { client, types } = connect();
    const heard: TokenClientEvent[] = [];
    const leave = client.subscribe((event) => heard.push(event));
    await client.get();
    leave();
    await streaming();
    rotate(8);
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
    expect(() => createTokenClient({ url, apiKey: 'tbk_x', ...options })).toThrow(message);
  });
});
