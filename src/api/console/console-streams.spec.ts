import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { EventReader } from '../../../test/support/event-reader.js';
import { eventually } from '../../../test/support/eventually.js';
import { historyEvent } from '../../core/ports/history.contract.js';
import { Callers } from '../auth/callers.js';

const CLIENTS = [
  apiClient('ops', { scopes: ['console'] }),
  apiClient('viewer', { scopes: ['console'], apps: ['blog'] }),
  apiClient('orders'),
];
const HOUR_MS = 60 * 60 * 1000;

describe('the event stream of the console', () => {
  let edge: Edge;
  let url: string;
  let reader: EventReader;

  const replace = (clients: typeof CLIENTS): void => {
    edge.app.get(Callers).replace({ clients, issuers: [] }, edge.broker.apps);
  };
  const cookieOf = async (client: string): Promise<string> => {
    const payload = { key: keyOf(client) };
    const { headers } = await edge.app.inject({ method: 'POST', url: '/console/api/session', payload });
    return String(headers['set-cookie']).split(';')[0] ?? '';
  };
  const open = async (client = 'ops'): Promise<EventReader> => {
    const cookie = await cookieOf(client);
    const opened = await EventReader.open(`${url}/console/api/stream`, { headers: { cookie } });
    await edge.app.inject({ method: 'GET', url: '/console/api/apps', headers: { cookie } });
    return opened;
  };
  const pass = (ms: number): void => {
    for (let passedMs = 0; passedMs < ms; passedMs += 500) edge.clock.pass(500);
  };
  const names = () =>
    reader.events.map(({ event, data }) => `${String(event)} ${String(data.app ?? data.why)}`);
  const told = (...expected: readonly string[]) =>
    eventually(
      `told ${expected.join(', ')}, but ${names().join(', ')}`,
      () => JSON.stringify(names()) === JSON.stringify(expected),
      3000,
    );
  const change = (app: string, forcedToday: number): void => {
    edge.broker.statuses.set(app, { forcedToday });
    edge.consoleData.touch(app);
  };

  beforeAll(async () => {
    edge = await createEdge({ clients: CLIENTS, console: true, limits: { streamsPerClient: 2 } });
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
  });
  afterAll(() => edge.app.close());
  beforeEach(() => {
    replace(CLIENTS);
  });
  afterEach(async () => {
    reader.close();
    await eventually('nobody looking on', () => edge.app.getHttpServer().listening);
    pass(1000);
  });

  it('tells of a row that changed, once a second at most, and of nothing else', async () => {
    reader = await open();
    pass(3000);
    change('shop', 5);
    pass(500);
    await told('app shop');
    change('shop', 6);
    pass(500);
    change('shop', 7);
    pass(500);
    await told('app shop', 'app shop');
    expect(reader.events.map(({ data }) => data.forced_today)).toEqual([5, 7]);
    pass(3000);
    await told('app shop', 'app shop');
  });

  it('tells of a row that time changed, within 3 s', async () => {
    reader = await open();
    pass(3000);
    edge.broker.statuses.set('blog', { state: 'expired' });
    pass(3000);
    await told('app blog');
    edge.broker.statuses.delete('blog');
  });

  it('tells what is recorded, to those who may see the app', async () => {
    reader = await open('viewer');
    await edge.consoleData.record(historyEvent(0, { app: 'shop' }));
    await edge.consoleData.record(historyEvent(0, { app: 'blog' }));
    await told('history blog');
    expect(reader.events[0]?.data).toMatchObject({ kind: 'reported', at: '1970-01-01T00:00:00.000Z' });
  });

  it('tells what another replica recorded, and what this one did once', async () => {
    reader = await open();
    pass(1000);
    await eventually('a place in the history', () => true);
    await edge.consoleData.record(historyEvent(0, { app: 'blog' }));
    await edge.consoleData.history.append([historyEvent(0, { app: 'shop', replica: 'replica-2' })]);
    pass(1500);
    await told('history blog', 'history shop');
  });

  it('makes what it tells of the system once for all streams of a client', async () => {
    reader = await open();
    const other = await open();
    const { asked } = edge.consoleData;
    const before = asked.platforms;
    pass(500);
    expect(asked.platforms).toBe(before + 1);
    other.close();
  });

  it('tells when the configuration has a fault', async () => {
    reader = await open();
    edge.config.state = { ...edge.config.state, faults: ['apps: wrong'] };
    pass(1500);
    await told('system undefined');
    expect(reader.events[0]?.data).toMatchObject({ config: { ok: false, faults: ['apps: wrong'] } });
    edge.config.state = { ...edge.config.state, faults: [] };
  });

  it.each<[string, string, () => void]>([
    [
      'key_removed',
      'its key is removed',
      () => {
        replace(CLIENTS.slice(1));
      },
    ],
    [
      'scope_lost',
      'its scope is',
      () => {
        replace([apiClient('ops', { scopes: ['token:read'] })]);
      },
    ],
    [
      'expired',
      '8 hours have passed',
      () => {
        edge.clock.pass(8 * HOUR_MS);
      },
    ],
  ])('ends with %s when %s', async (why, _when, happens) => {
    reader = await open();
    happens();
    expect(await reader.ended).toBe('cleanly');
    expect(names().at(-1)).toBe(`session_ended ${why}`);
    edge.clock.nowMs = 0;
  });

  it('tells of apps that the client may not see any more, and of those that it may see now', async () => {
    reader = await open();
    replace([apiClient('ops', { scopes: ['console'], apps: ['blog'] })]);
    await told('app_removed shop');
    replace(CLIENTS);
    await told('app_removed shop', 'app shop');
  });

  it('is one of the streams of its client', async () => {
    reader = await open();
    const other = await open();
    await expect(open()).rejects.toThrow(/too_many_requests/);
    other.close();
  });

  it('is for who is signed in', async () => {
    reader = await open();
    const answer = await fetch(`${url}/console/api/stream`);
    expect([answer.status, await answer.json()]).toEqual([
      401,
      expect.objectContaining({ code: 'unauthorized' }),
    ]);
  });
});

describe('the event stream over a thousand apps', () => {
  const APPS = Array.from({ length: 1000 }, (_, index) => `app-${String(index)}`);
  let edge: Edge;
  let reader: EventReader;

  const pass = (ms: number): void => {
    for (let passedMs = 0; passedMs < ms; passedMs += 500) edge.clock.pass(500);
  };
  const told = async (app: string): Promise<Readonly<Record<string, unknown>>> =>
    eventually(app, () => reader.events.find(({ data }) => data.app === app)?.data, 3000);

  beforeAll(async () => {
    edge = await createEdge({ apps: APPS, clients: CLIENTS.slice(0, 1), console: true });
    await edge.app.listen(0, '127.0.0.1');
    const headers = { authorization: `Bearer ${keyOf('ops')}` };
    reader = await EventReader.open(`${await edge.app.getUrl()}/console/api/stream`, { headers });
    await edge.app.inject({ method: 'GET', url: '/console/api/apps', headers });
    pass(3000);
  });
  afterAll(async () => {
    reader.close();
    await edge.app.close();
  });

  it('makes few rows of those to which nothing happened, and looks at the state of each within 2.5 s', () => {
    const before = { ...edge.broker.asked };
    pass(2500);
    expect(edge.broker.asked.statuses - before.statuses).toBeLessThanOrEqual(250);
    expect(edge.broker.asked.states - before.states).toBeGreaterThanOrEqual(APPS.length);
  });

  it('tells within 2.5 s of a state that time changed, and of the rest of a row in its turn', async () => {
    edge.broker.statuses.set('app-700', { state: 'expired' });
    pass(2500);
    expect(await told('app-700')).toMatchObject({ state: 'expired' });
    edge.broker.statuses.set('app-800', { fetchesToday: 0 });
    pass(10_000);
    expect(await told('app-800')).toMatchObject({ fetches_today: 0 });
    expect(reader.events).toHaveLength(2);
  });
});
