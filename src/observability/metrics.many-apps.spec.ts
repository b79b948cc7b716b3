import { REFUSED, scrape, watching } from '../../test/support/watched-metrics.js';
import { CountingGatewayObserver } from './edge.observer.js';

describe('metrics of thousands of apps', () => {
  const ofApps = (samples: Map<string, number>) =>
    [...samples.keys()].filter((name) => name.includes('app='));

  it('say how many apps are in which state', async () => {
    const { broker, metrics } = watching('shop', 'blog', 'mail');
    broker.statuses.set('blog', { state: 'degraded' });
    const samples = await scrape(metrics);
    const states = [...samples].filter(([name]) => name.startsWith('apps{'));
    expect(Object.fromEntries(states)).toEqual({
      'apps{state="ok"}': 2,
      'apps{state="suspect"}': 0,
      'apps{state="degraded"}': 1,
      'apps{state="expired"}': 0,
      'apps{state="pending"}': 0,
    });
  });

  it('with problems are gauges of the apps that are not well, while it is so, and sums', async () => {
    const { broker, metrics, fetched } = watching('shop', 'blog', 'mail');
    metrics.configure({ perApp: 'problems' });
    for (const app of ['shop', 'blog', 'mail']) fetched(app, 'scheduled');
    broker.statuses.set('blog', { lastError: { ...REFUSED, class: 'configuration' } });
    broker.statuses.set('mail', { state: 'suspect' });
    const samples = await scrape(metrics);
    expect(new Set(ofApps(samples).map((name) => / *app="(\w+)"/.exec(name)?.[1]))).toEqual(
      new Set(['blog', 'mail']),
    );
    expect(samples.get('upstream_config_error{app="blog",errcode="40125"}')).toBe(1);
    expect(samples.get('token_suspect{app="mail"}')).toBe(1);
    expect(samples.get('upstream_fetches_total{outcome="issued"}')).toBe(3);
    expect(samples.get('upstream_errors_total{errcode="45011"}')).toBe(0);

    broker.statuses.clear();
    expect(ofApps(await scrape(metrics))).toEqual([]);
  });

  it.each(['none', false] as const)('with %s are sums alone', async (perApp) => {
    const { broker, metrics, fetched, loggedIn } = watching('shop', 'blog');
    metrics.configure({ perApp });
    broker.statuses.set('blog', { state: 'expired' });
    for (const app of ['shop', 'blog']) {
      fetched(app, 'scheduled', 40125);
      loggedIn(app, null);
    }
    const calls = new CountingGatewayObserver(metrics.catalogue);
    calls.inFlight('shop', 2, 512);
    calls.inFlight('blog', 1, 512);
    calls.called('shop', 'none', 'ok', 5, 4);
    const samples = await scrape(metrics);
    expect(ofApps(samples)).toEqual([]);
    expect(samples.get('upstream_errors_total{errcode="40125"}')).toBe(2);
    expect(samples.get('login_exchange_duration_seconds_count')).toBe(2);
    expect(samples.get('login_exchange_duration_seconds_bucket{le="+Inf"}')).toBe(2);
    expect(samples.get('gateway_in_flight')).toBe(3);
    expect(samples.get('gateway_requests_total{path="none",outcome="ok"}')).toBe(1);
    expect(samples.get('apps{state="expired"}')).toBe(1);
  });

  it('lose no count when the configuration changes', async () => {
    const { metrics, fetched } = watching('shop', 'blog');
    const sum = async () =>
      [...(await scrape(metrics))]
        .filter(([name]) => /^upstream_fetches_total\{.*outcome="issued"/.test(name))
        .reduce((total, [, count]) => total + count, 0);
    let fetches = 0;
    for (const perApp of ['all', 'problems', 'none', 'all', 'problems'] as const) {
      metrics.configure({ perApp });
      fetched('shop', 'scheduled');
      fetched('blog', 'scheduled');
      fetches += 2;
      expect(await sum()).toBe(fetches);
      metrics.forget(new Set(['news']));
    }
    expect(ofApps(await scrape(metrics))).toEqual([]);
  });

  it('are made in parts, between which requests are answered', async () => {
    const { metrics } = watching(...Array.from({ length: 5000 }, (_, index) => `app-${String(index)}`));
    let turns = 0;
    let isMade = false;
    const turn = (): void => {
      turns += 1;
      if (!isMade) setImmediate(turn);
    };
    turn();
    const text = String(await metrics.render());
    isMade = true;
    expect(text.split('\n').length).toBeGreaterThan(80_000);
    expect(turns).toBeGreaterThan(50);
  });

  it('are at most 20 series of an app that fares well, also when a day has gone by', async () => {
    const { metrics, observer, fetched } = watching('shop');
    for (let day = 0; day < 14; day += 1) {
      fetched('shop', 'scheduled');
      observer.emit({
        app: 'shop',
        kind: 'rotated',
        generation: day,
        fingerprint: '01234567',
        reason: 'scheduled',
        expiresInMs: 7_200_000,
        sameValue: false,
        isStored: true,
      });
    }
    expect(ofApps(await scrape(metrics)).length).toBeLessThanOrEqual(20);
  });
});
