import { appTokens } from './ticket-broker.js';

describe('the token of an app, for the broker’s own calls', () => {
  it('is fetched where there is none, and then taken from memory', async () => {
    const held: { record: { value: string } }[] = [];
    const broker = {
      held: () => held[0],
      current: async () => ({ record: { value: 'fetched' } }),
      report: async () => ({ token: null }),
    } as unknown as Parameters<typeof appTokens>[0];
    const tokens = appTokens(broker, 'shop', 'broker:test');
    expect(await tokens.current()).toBe('fetched');
    held.push({ record: { value: 'held' } });
    expect(await tokens.current()).toBe('held');
    expect(await tokens.replace('held', 40001)).toBe('held');
  });
});
