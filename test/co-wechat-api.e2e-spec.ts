import WechatApi from 'co-wechat-api';
import { setTimeout as sleep } from 'node:timers/promises';
import { newApp } from './support/broker-config.js';
import type { BrokerProcess } from './support/broker-process.js';
import { startWorld } from './support/start-world.js';

const SHOP = { name: 'shop', ...newApp() };
const DEAD_TOKEN_ERRCODES: readonly unknown[] = [40001, 40014, 42001];

/** A service as it would use the package. It has no AppSecret: every token comes from the broker. */
class Service {
  /** The errcodes that it reported, and what the broker made of each. */
  readonly reports: string[] = [];
  private readonly api: WechatApi;
  private held: {
    readonly accessToken: string;
    readonly expireTime: number;
    readonly keepUntil: number;
  } | null = null;

  constructor(
    private readonly broker: BrokerProcess,
    platformUrl: string,
  ) {
    const neverFetches = () => Promise.reject(new Error('The package fetched a token by itself.'));
    this.api = new WechatApi(SHOP.appId, '', () => this.token(), neverFetches, true);
    this.api.prefix = `${platformUrl}/cgi-bin/`;
  }

  /** Calls WeChat; a token that WeChat refuses is reported once, and the call tried once more. */
  async call<T>(work: (api: WechatApi) => Promise<T>): Promise<T> {
    try {
      return await work(this.api);
    } catch (error) {
      const errcode = codeOf(error);
      if (!DEAD_TOKEN_ERRCODES.includes(errcode)) throw error;
      await this.report(errcode);
      return work(this.api);
    }
  }

  private async token() {
    if (!this.held || Date.now() >= this.held.keepUntil) this.take((await this.broker.get('/token')).body);
    return this.held;
  }

  private async report(errcode: unknown): Promise<void> {
    const { body } = await this.broker.post('/token/refresh', {
      access_token: this.held?.accessToken,
      errcode,
    });
    this.reports.push(`${String(errcode)} ${String(body.reason)}`);
    this.take(body);
  }

  private take(body: Readonly<Record<string, unknown>>): void {
    const nowMs = Date.now();
    this.held = {
      accessToken: String(body.access_token),
      expireTime: nowMs + Number(body.expires_in) * 1000,
      keepUntil: nowMs + Number(body.cache_max_age) * 1000,
    };
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

describe('services that use co-wechat-api', () => {
  it.concurrent(
    'report a token that died before its time, and go on with the next',
    async () => {
      const { simulator, broker } = await startWorld({ apps: [SHOP] });
      const services = Array.from({ length: 3 }, () => new Service(broker, simulator.url));
      for (const service of services) {
        expect((await service.call((api) => api.getIp())).ip_list).not.toEqual([]);
      }
      const [dead] = simulator.killToken();

      const users = await Promise.all(services.map((service) => service.call((api) => api.getUser('o-1'))));
      expect(users.map(({ openid }) => openid)).toEqual(['o-1', 'o-1', 'o-1']);
      for (const { reports } of services) {
        expect(reports).toEqual([expect.stringMatching(/^40001 (already_)?rotated$/)]);
      }
      expect(simulator.calls().fetches).toBe(2);
      expect(await broker.token()).not.toBe(dead?.token);
    },
    15_000,
  );

  it.concurrent(
    'go on through rotations, and cost the platform nothing more',
    async () => {
      const { simulator, broker } = await startWorld({
        apps: [SHOP],
        platform: { expiresInSeconds: 3, graceSeconds: 0.2 },
      });
      const services = Array.from({ length: 3 }, () => new Service(broker, simulator.url));
      while (simulator.calls().minted < 3) {
        const calls = services.map((service) => service.call((api) => api.getUser('o-1')));
        expect((await Promise.all(calls)).map(({ openid }) => openid)).toEqual(['o-1', 'o-1', 'o-1']);
        await sleep(20);
      }
      // Whoever held the token before for longer than it lived was told that there is a newer one.
      const reports = services.flatMap((service) => service.reports);
      expect(new Set(reports)).toEqual(new Set(['40001 already_rotated']));
      expect(simulator.calls().counts.map(({ path }) => path)).not.toContain('/cgi-bin/get_api_domain_ip');
    },
    15_000,
  );
});
