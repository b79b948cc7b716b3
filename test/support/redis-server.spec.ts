import { Redis } from 'ioredis';
import { RedisServer } from './redis-server.js';
import { ShiftedClock } from './shifted-clock.js';

const USER = { name: 'broker', password: 'not-a-secret' };

describe('RedisServer', () => {
  it('lets in its own users only, with what they may do', async () => {
    const server = await RedisServer.start({
      users: [`${USER.name} on >${USER.password} ~app:* +get +set +ping`],
    });
    const client = new Redis(server.url(USER), { enableReadyCheck: false });
    expect(await client.set('app:1', 'x')).toBe('OK');
    await expect(client.set('other', 'x')).rejects.toThrow('NOPERM');
    await expect(client.flushall()).rejects.toThrow('NOPERM');
    client.disconnect();

    const stranger = new Redis(server.port, server.host, { protocol: 2, enableReadyCheck: false });
    await expect(stranger.get('app:1')).rejects.toThrow('NOAUTH');
    stranger.disconnect();
  });

  it('forgets everything when killed, unless it is append-only', async () => {
    const [forgetful, durable] = await Promise.all([
      RedisServer.start(),
      RedisServer.start({ appendOnly: true }),
    ]);
    for (const server of [forgetful, durable]) {
      const { port, pid } = server;
      await server.call('SET', 'key', 'value');
      await server.kill();
      await server.restart();
      expect(server.port).toBe(port);
      expect(server.pid).not.toBe(pid);
    }
    expect(await forgetful.call('GET', 'key')).toBeNull();
    expect(await durable.call('GET', 'key')).toBe('value');
  });

  it('goes back to a snapshot', async () => {
    const server = await RedisServer.start();
    await server.call('SET', 'key', 'then');
    const snapshot = await server.snapshot();
    await server.call('SET', 'key', 'now');
    await server.restart({ data: snapshot });
    expect(await server.call('GET', 'key')).toBe('then');
  });

  it('answers nothing while it is frozen, and then what was asked', async () => {
    const server = await RedisServer.start();
    server.freeze();
    let answer: unknown = 'none';
    const asked = server.call('PING').then((said) => (answer = said));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answer).toBe('none');
    server.thaw();
    expect(await asked).toBe('PONG');
  });

  it('follows another one', async () => {
    const primary = await RedisServer.start();
    const replica = await RedisServer.start({ replicaOf: primary });
    await primary.call('SET', 'key', 'value');
    await primary.call('WAIT', '1', '5000');
    expect(await replica.call('GET', 'key')).toBe('value');
  });

  it('speaks TLS with a certificate of its own authority', async () => {
    const server = await RedisServer.start({ tls: true });
    const ca = server.certificates?.ca ?? '';
    const client = new Redis(server.url(), { tls: { ca } });
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });

  it('dumps every key and value', async () => {
    const server = await RedisServer.start();
    await server.call('SET', 'text', 'in-text');
    await server.call('HSET', 'hash', 'in-field', 'in-hash');
    await server.call('RPUSH', 'list', 'in-list');
    await server.call('SADD', 'set', 'in-set');
    await server.call('ZADD', 'zset', '7', 'in-zset');
    const dump = await server.dump();
    for (const found of ['text', 'in-text', 'in-field', 'in-hash', 'in-list', 'in-set', 'in-zset']) {
      expect(dump).toContain(found);
    }
  });

  it('tells the time of a clock that is moved', async () => {
    const clock = new ShiftedClock();
    const server = await RedisServer.start({ env: clock.env });
    const aheadSeconds = async (): Promise<number> => {
      const [seconds] = await server.client.time();
      return Number(seconds) - Date.now() / 1000;
    };
    expect(Math.abs(await aheadSeconds())).toBeLessThan(2);
    clock.shift(3600);
    expect(Math.abs((await aheadSeconds()) - 3600)).toBeLessThan(2);
    clock.shift(-3600);
    expect(Math.abs((await aheadSeconds()) + 3600)).toBeLessThan(2);
  });

  it('says how to install what is missing', async () => {
    await expect(RedisServer.start({ env: { PATH: '/nowhere' } })).rejects.toThrow(
      'apt-get install -y redis-server',
    );
  });

  it('shows what redis-server says when it does not start', async () => {
    await expect(RedisServer.start({ directives: [['no-such-thing', '1']] })).rejects.toThrow(
      'no-such-thing',
    );
  });
});
