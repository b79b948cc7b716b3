import { readFileSync } from 'node:fs';
import { newApiKey, newApp } from './support/broker-config.js';
import type { BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { startWorld, type World } from './support/start-world.js';

const REFUSED = { name: 'refused', ...newApp() };
const DROPPED = { name: 'dropped', ...newApp() };

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

async function scrape(broker: BrokerProcess): Promise<Sample[]> {
  const text = await broker.metrics();
  return [...text.matchAll(/^tokenbroker_(\w+?)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name = '', labels = '', value]) => ({
      name,
      labels: Object.fromEntries(
        [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text]),
      ),
      value: Number(value),
    }),
  );
}

function sum(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels);
  return samples
    .filter(
      (sample) => sample.name === name && wanted.every(([label, text]) => sample.labels[label] === text),
    )
    .reduce((total, { value }) => total + value, 0);
}

describe('GET /metrics', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld({
      apps: [{ name: 'shop', ...newApp(), grant: 'stable' }, DROPPED, REFUSED],
      keys: { orders: newApiKey(), billing: newApiKey() },
      before: (platform) => {
        platform.setIpWhitelist(['192.0.2.1'], REFUSED.appId);
        platform.addFault({ appId: DROPPED.appId, dropReply: true });
      },
    });
    await world.broker.ready();
  }, 20_000);

  it('has every metric from the start', async () => {
    const { text, headers } = await world.broker.get('/metrics');
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const documented = [
      ...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(tokenbroker_\w+)` +\| (\w+)/gm),
    ];
    expect(documented.length).toBeGreaterThan(20);
    for (const [, name = '', type = ''] of documented) {
      expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.*\n# TYPE ${name} ${type}$`, 'm'));
    }
    expect(text).toContain('tokenbroker_store_up 1\n');
    expect(text).toMatch(/^tokenbroker_build_info\{version="\d+\.\d+\.\d+[-\w]*",node="v\d+[\d.]+"\} 1$/m);
    expect(text).toMatch(/^process_cpu_seconds_total \d/m);
  });

  it('says when tokens expire, and nothing of tokens that are not there', async () => {
    const { body } = await world.broker.get('/token?app=shop');
    const samples = await scrape(world.broker);
    const expirations = samples.filter(({ name }) => name === 'token_expiration_timestamp_seconds');
    expect(expirations.map(({ labels }) => labels.app).sort()).toEqual(['dropped', 'shop']);
    const shop = sum(samples, 'token_expiration_timestamp_seconds', { app: 'shop' });
    expect(Math.abs(shop - Date.parse(String(body.expires_at)) / 1000)).toBeLessThan(2);
    expect(sum(samples, 'token_generation', { app: 'shop' })).toBe(body.generation);
    expect(sum(samples, 'token_age_seconds', { app: 'shop' })).toBeLessThan(60);
    expect(samples).toContainEqual({
      name: 'upstream_config_error',
      labels: { app: 'refused', errcode: '40164' },
      value: 1,
    });
  });

  it('adds up to what the platform was asked', async () => {
    const { broker, simulator } = world;
    const report = (body: object): Promise<unknown> =>
      broker.post('/token/refresh', { app: 'shop', ...body });
    simulator.killToken({ family: 'stable' });
    await report({ errcode: 40001 });
    await report({});
    await report({ force: true });
    await report({ errcode: 48001 });
    const samples = await eventually('the counts agree', async () => {
      const all = await scrape(broker);
      const of = (outcome: string): number => sum(all, 'upstream_fetches_total', { outcome });
      return of('issued') + of('refused') + of('unknown') === simulator.calls().fetches ? all : undefined;
    });
    const fetches = (labels: Record<string, string>): number =>
      sum(samples, 'upstream_fetches_total', labels);
    const reasons = (reason: string): number =>
      sum(samples, 'upstream_fetch_reasons_total', { app: 'shop', reason });
    expect(reasons('cold')).toBe(1);
    expect(reasons('force')).toBe(1);
    expect(reasons('report')).toBeGreaterThan(0);
    expect(sum(samples, 'upstream_fetch_reasons_total', { app: 'shop' })).toBe(fetches({ app: 'shop' }));
    expect(fetches({ app: 'shop', outcome: 'issued' })).toBe(fetches({ app: 'shop' }));
    expect(fetches({ app: 'refused', outcome: 'refused' })).toBe(1);
    expect(fetches({ app: 'dropped', outcome: 'unknown' })).toBe(1);
    expect(sum(samples, 'upstream_errors_total', { app: 'refused', errcode: '40164' })).toBe(1);
    expect(sum(samples, 'commits_total', { app: 'shop', result: 'committed' })).toBe(
      fetches({ app: 'shop' }),
    );
    expect(sum(samples, 'reports_total', { app: 'shop' })).toBe(4);
    for (const result of ['recently_rotated', 'not_a_token_error']) {
      expect(sum(samples, 'reports_total', { app: 'shop', result })).toBe(1);
    }
    expect(sum(samples, 'upstream_budget_remaining', { app: 'shop', kind: 'daily' })).toBe(
      200 - fetches({ app: 'shop' }),
    );
  }, 15_000);
});
