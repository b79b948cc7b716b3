import { API_KEY, startGatewayWorld } from '../bench/gateway-world.js';
import { Measured } from '../bench/measured.js';
import type { Server } from '../bench/measured.js';

const CALL = '/gateway/plain/cgi-bin/user/info?openid=o6_bmjrPTlm6_2sgVt7hMZOPfL2M';
const SECONDS = 3;
/** Of code that is compiled meanwhile, and the like. */
const MAX_BYTES = 8 * 1024 * 1024;
/** A call takes some 5,000 while it is under way. */
const MAX_BYTES_PER_CALL = 700;

/** What V8 has among the old objects, dead ones too. */
async function oldBytes({ url }: Server): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^nodejs_heap_space_size_used_bytes\{space="old"\} (\S+)$/m.exec(metrics)?.[1]);
}

describe('calls through the gateway, on many connections without a pause', () => {
  it('do not wait among the old objects, once they are answered, for a full collection', async () => {
    const { broker, platform } = await startGatewayWorld();
    const load = new Measured(broker, { path: CALL, apiKey: API_KEY });
    await load.slice(SECONDS);
    load.takeRound();
    const before = await oldBytes(broker);
    await load.slice(SECONDS);
    const kept = (await oldBytes(broker)) - before;
    const calls = load.takeRound().requestsPerSecond * SECONDS;
    load.stop();
    await Promise.all([broker.stop(), platform.stop()]);
    expect(calls).toBeGreaterThan(0);
    expect(kept).toBeLessThan(MAX_BYTES + calls * MAX_BYTES_PER_CALL);
  }, 60_000);
});
