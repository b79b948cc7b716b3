import { createHash } from 'node:crypto';
import { ConfigFolder, LiveBroker } from '../../test/support/live-broker.js';
import { newApiKey, newApp } from '../../test/support/broker-config.js';

const sha256Hex = (key: string) => createHash('sha256').update(key).digest('hex');

const DAY_MS = 86_400_000;

describe('API keys while the broker runs', () => {
  let folder: ConfigFolder;

  beforeEach(() => {
    folder = new ConfigFolder();
  });
  afterEach(() => {
    folder.delete();
  });

  const app = { name: 'shop', ...newApp(), apiBaseUrl: 'http://127.0.0.1:1' };
  const configured = (...keys: object[]) =>
    folder.write('broker.yaml', {
      audit: { reads: 'none', destination: folder.file('audit.log') },
      apps: [app],
      clients: [{ name: 'orders', keys, apps: '*', scopes: ['token:read'] }],
    });

  it('follow their files: a new content is another key, and the change is seen by a look', async () => {
    const [old, next] = [newApiKey(), newApiKey()];
    const path = configured({ file: folder.write('key', old) });
    const broker = await LiveBroker.start(path);
    expect(broker.source.look().isChanged).toBe(false);
    folder.write('key', `${next}\n`);
    expect(broker.source.look()).toMatchObject({ isChanged: true, isComplete: true });
    expect(broker.reload().faults).toEqual([]);
    expect(broker.source.look().isChanged).toBe(false);
    expect([broker.whose(old), broker.whose(next)]).toEqual(['unknown', 'orders']);
    expect(broker.events('config.reloaded')).toMatchObject([{ changes: ['clients.orders.keys: at_once'] }]);
    expect(JSON.stringify(broker.lines)).not.toMatch(/tbk_/);
  });

  it.each([
    ['vanished', () => undefined, 'ENOENT'],
    ['empty', () => folder.write('key', ''), 'is empty'],
  ])(
    'stay as they are when a file is %s, which is a fault until it is mended',
    async (_what, spoil, fault) => {
      const key = newApiKey();
      const broker = await LiveBroker.start(configured({ file: folder.write('key', key) }));
      folder.remove('key');
      spoil();
      expect(broker.source.look().isChanged).toBe(true);
      const { faults } = broker.reload();
      expect(faults).toEqual([expect.stringMatching(`^clients\\[0\\]\\.keys\\[0\\]\\.file: .*${fault}`)]);
      expect(broker.whose(key)).toBe('orders');
      expect(broker.source.look().isChanged).toBe(false);
      folder.write('key', key);
      expect(broker.source.look().isChanged).toBe(true);
      expect(broker.reload().faults).toEqual([]);
    },
  );

  it('are announced 14 days before they end and when they have ended, each once', async () => {
    const key = newApiKey();
    const entry = { sha256: sha256Hex(key) };
    const broker = await LiveBroker.start(configured(entry));
    const expiresAt = new Date(broker.clock.wallMs() + 15 * DAY_MS).toISOString();
    configured({ ...entry, expiresAt });
    broker.reload();
    expect(broker.events('key.expires_soon')).toEqual([]);
    await broker.clock.advance(DAY_MS);
    broker.reload();
    expect(broker.events('key.expires_soon')).toMatchObject([
      { client: 'orders', key: entry.sha256.slice(0, 8), expires_at: expiresAt },
    ]);
    await broker.clock.advance(14 * DAY_MS - 1);
    expect([broker.whose(key), broker.events('key.expired').length]).toEqual(['orders', 0]);
    await broker.clock.advance(1);
    broker.reload();
    expect([broker.whose(key), broker.events('key.expired').length]).toEqual(['expired', 1]);
    expect(broker.events('key.expires_soon')).toHaveLength(1);
  });

  it('are reported with their use, their end and what was refused', async () => {
    const key = newApiKey();
    const broker = await LiveBroker.start(
      configured({ sha256: sha256Hex(key), expiresAt: '2100-01-01T00:00:00Z' }),
    );
    const answer = broker.callers.ofKey(key);
    if (answer.kind === 'ok') answer.identity.used(7);
    broker.limits.refused('orders');
    expect(broker.callerViews).toMatchObject([
      {
        client: 'orders',
        apps: '*',
        scopes: ['token:read'],
        rate: { requests_per_second: 5000, burst: 10_000 },
        refused: 1,
        last_used_at: '1970-01-01T00:00:00.007Z',
        keys: [
          {
            kind: 'key',
            id: sha256Hex(key).slice(0, 8),
            uses: 1,
            last_used_at: '1970-01-01T00:00:00.007Z',
            expires_at: '2100-01-01T00:00:00.000Z',
          },
        ],
      },
    ]);
  });
});
