import { apiClient, createEdge, keyOf } from '../../../test/support/create-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { eventually } from '../../../test/support/eventually.js';
import type { HeldToken } from '../../core/token.js';

const REQUESTS_IN_FLIGHT = 200;

describe('requests that are worked on', () => {
  it('are so many at most; the others are told to come back, and probes get through', async () => {
    const edge = await createEdge({
      clients: [apiClient('orders')],
      limits: { requestsInFlight: REQUESTS_IN_FLIGHT },
    });
    let give: (held: HeldToken) => void = () => undefined;
    const awaited = new Promise<HeldToken>((resolve) => (give = resolve));
    edge.broker.currentAnswer = () => awaited as unknown as HeldToken;
    const waiting = Array.from({ length: REQUESTS_IN_FLIGHT }, () =>
      edge.send('GET', '/token?app=shop', 'orders'),
    );
    await eventually('all waiting', () => edge.broker.waits.length === REQUESTS_IN_FLIGHT);
    expect(edge.observer.overloads).toEqual([]);

    const refused = await edge.send('GET', '/apps', 'orders');
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '1']);
    expect(refused.json()).toMatchObject({ code: 'overloaded', limit: 'in_flight', retry_after: 1 });
    const asWechat = await edge.send('GET', `/cgi-bin/token?appid=wx&secret=${keyOf('orders')}`);
    expect(asWechat.json()).toMatchObject({ errcode: -1 });
    expect(edge.observer.overloads).toEqual(['in_flight 127.0.0.1', 'in_flight 127.0.0.1']);
    for (const path of ['/health/live', '/health/ready', '/metrics']) {
      expect((await edge.send('GET', path)).statusCode).toBe(200);
    }

    give(heldToken(7, 7_000_500));
    const answers = await Promise.all(waiting);
    expect(answers.every(({ statusCode }) => statusCode === 200)).toBe(true);
    expect((await edge.send('GET', '/apps', 'orders')).statusCode).toBe(200);
    await edge.app.close();
  });
});
