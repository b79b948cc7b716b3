import { RedisSentinel } from './redis-sentinel.js';

describe('RedisSentinel', () => {
  it('hands over on demand, keeping what was written', async () => {
    const group = await RedisSentinel.start({}, 3);
    expect(await group.primary()).toBe(group.first);
    await group.first.call('SET', 'key', 'value');
    await group.failover();
    expect(await group.primary()).toBe(group.second);
    expect(await group.second.call('GET', 'key')).toBe('value');
    await group.stop();
  }, 20_000);

  it('replaces a primary that was killed, losing what was not replicated', async () => {
    const group = await RedisSentinel.start();
    await group.first.call('SET', 'early', 'kept');
    await group.first.call('WAIT', '1', '5000');
    await group.stopReplication();
    await group.first.call('SET', 'late', 'lost');
    await group.killPrimary();
    expect(await group.primary()).toBe(group.second);
    expect(await group.second.call('MGET', 'early', 'late')).toEqual(['kept', null]);
    expect(await group.second.call('SET', 'next', 'written')).toBe('OK');
    await group.stop();
  }, 20_000);
});
