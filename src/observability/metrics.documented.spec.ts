import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { ManualClock } from '../../test/support/manual-clock.js';
import { IdentityLog, CountingGatewayObserver } from './edge.observer.js';
import { REFUSED, watching } from '../../test/support/watched-metrics.js';

const REPORTED = {
  kind: 'reported',
  result: 'rotated',
  errcode: 40001,
  caller: 'orders',
  generation: 1,
  fingerprint: '01234567',
  durationMs: 1,
} as const;

describe('docs/metrics.md', () => {
  it('lists what there is', async () => {
    const { broker, metrics, observer, http, fetched, loggedIn } = watching('shop', 'blog', 'mail', 'news');
    broker.statuses.set('shop', { lastError: { ...REFUSED, class: 'configuration' } });
    broker.statuses.set('blog', { lastError: { ...REFUSED, class: 'day_quota' } });
    broker.statuses.set('mail', { lastError: { ...REFUSED, class: 'dead' } });
    broker.statuses.set('news', { lastError: { ...REFUSED, class: 'claim' } });
    fetched('shop', 'cold', 40125);
    loggedIn('shop', 'code_used', 40163);
    observer.emit({ app: 'shop', kind: 'superseded', fence: 1, generation: 2 });
    observer.emit({ ...REPORTED, app: 'shop' });
    http.request('/token', 'GET', 200, 1);
    http.dropInRefused('/cgi-bin/token', -1);
    const calls = new CountingGatewayObserver(metrics.catalogue);
    calls.called('shop', 'GET /cgi-bin/user/info', 'ok', 5, 4);
    calls.inFlight('shop', 1, 512);
    calls.retried('shop');
    const identities = new IdentityLog(pino({ enabled: false }), metrics.catalogue, new ManualClock());
    identities.keysRead('https://issuer.example', []);
    metrics.watchKeys(() => [{ id: '0a1b2c3d', uses: 1, lastUsedAtMs: 1, expiresAtMs: 2 }]);
    metrics.catalogue.configFaults.inc({ file: 'orders.yaml' });
    const text = String(await metrics.render());
    const heads = [...text.matchAll(/^# TYPE (tokenbroker_\w+) (\w+)$/gm)];
    const existing = heads.map(([, name = '', type = '']) => {
      const [, labels = ''] = new RegExp(`^${name}(?:_count)?\\{(.*)\\} `, 'm').exec(text) ?? [];
      return { name, type, labels: [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label) };
    });
    const file = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'metrics.md'), 'utf8');
    const rows = [...file.matchAll(/^\| `(tokenbroker_\w+)` +\| (\w+) +\| ([^|]*?) *\|/gm)];
    const documented = rows.map(([, name = '', type = '', labels = '']) => ({
      name,
      type,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
    }));
    const byName = (one: { name: string }, other: { name: string }): number =>
      one.name.localeCompare(other.name);
    expect(documented.sort(byName)).toEqual(existing.sort(byName));
  });
});
