import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker } from './support/broker-process.js';
import { eventually } from './support/eventually.js';

describe('a platform that cannot be reached', () => {
  it('has one remedy, in the log, in the 503 and in GET /apps, which names a proxy that is not used', async () => {
    const key = newApiKey();
    const app = { name: 'shop', ...newApp(), apiBaseUrl: 'http://127.0.0.1:1' };
    const broker = await startBroker({
      config: brokerConfig({ apps: [app], keys: { orders: key } }),
      env: { HTTPS_PROXY: 'http://user:proxy-password@proxy.example:3128' },
      key,
    });
    const line = await eventually('a failed fetch', () =>
      broker.logs().find(({ event, outcome }) => event === 'token.fetch_ended' && outcome === 'not_sent'),
    );
    expect(line.remedy).toMatch(
      /^HTTPS_PROXY is set, but the broker does not use it: .* Nothing listens at the address/,
    );
    const { body } = await broker.get('/token');
    expect(body.detail).toContain(line.remedy);
    expect((await broker.get('/apps')).text).toContain(JSON.stringify(line.remedy));
    expect(broker.output()).not.toContain('proxy-password');
  });
});
