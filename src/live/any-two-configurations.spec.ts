import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { newApiKey } from '../../test/support/broker-config.js';
import { ConfigFolder, LiveBroker } from '../../test/support/live-broker.js';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const KEYS = Array.from({ length: 6 }, newApiKey);
const SCOPES = ['token:read', 'token:refresh', 'token:admin', 'ticket:read', 'gateway'] as const;
const APPS = ['shop', 'club', 'mail', 'shop.eu'];
const CLIENTS = ['orders', 'mailer', 'oncall'];

const burst = fc.integer({ min: 1, max: 500 });
const rate = fc.record({ requestsPerSecond: fc.integer({ min: 1, max: 100 }), burst });
const app = (name: string) =>
  fc.record({
    name: fc.constant(name),
    // Another one makes it another app.
    appId: fc
      .constantFrom('0', '1')
      .map((digit) => `wx${digit}${Buffer.from(name.padEnd(8)).toString('hex').slice(1)}`),
    appSecret: fc.constant('0123456789abcdef0123456789abcdef'),
    apiBaseUrl: fc.constant('http://127.0.0.1:1'),
    grant: fc.constantFrom('stable', 'classic'),
    refresh: fc.record({
      jitterSeconds: fc.integer({ min: 0, max: 30 }),
      dailyBudget: fc.integer({ min: 20, max: 500 }),
      upstreamTimeoutSeconds: fc.integer({ min: 1, max: 8 }),
    }),
  });

/** A key is of one client: which, its place says. */
const client = (name: string, apps: readonly string[]) => {
  const at = CLIENTS.indexOf(name) * 2;
  return fc
    .record({
      apps: fc.oneof(fc.constant('*'), fc.subarray([...apps], { minLength: 1 })),
      scopes: fc.subarray([...SCOPES], { minLength: 1 }),
      keys: fc.subarray([at, at + 1], { minLength: 1 }),
      how: fc.constantFrom('hash', 'entry', 'file'),
      expiresAt: fc.constantFrom('2000-01-01T00:00:00Z', '2100-01-01T00:00:00+08:00'),
      rate: fc.option(rate, { nil: undefined }),
      maxExpiresInSeconds: fc.option(fc.integer({ min: 60, max: 7200 }), { nil: undefined }),
      allow: fc.constantFrom('GET /**', 'POST /cgi-bin/message/**'),
    })
    .map(({ keys, how, expiresAt, allow, ...rest }) => ({
      ...rest,
      name,
      ...(how === 'hash' && { keySha256: keys.map((key) => sha256(KEYS[key] ?? '')) }),
      ...(how === 'entry' && { keys: keys.map((key) => ({ sha256: sha256(KEYS[key] ?? ''), expiresAt })) }),
      ...(how === 'file' && { keys: keys.map((key) => ({ file: `FOLDER/key-${key}` })) }),
      ...(rest.scopes.includes('gateway') && { gateway: { allow: [allow] } }),
    }));
};

const configuration = fc
  .record({
    apps: fc.subarray(APPS, { minLength: 1 }),
    clients: fc.subarray(CLIENTS, { minLength: 1 }),
    /** How many of each stand in the file of a team. */
    ofTeams: fc.nat({ max: 2 }),
  })
  .chain(({ apps, clients, ofTeams }) =>
    fc.record({
      ofTeams: fc.constant(ofTeams),
      apps: fc.tuple(...apps.map(app)),
      clients: fc.tuple(...clients.map((name) => client(name, apps))),
      rate,
      auth: fc.record({ failuresPerMinute: fc.integer({ min: 1, max: 100 }) }),
      limits: fc.record({
        streamsPerClient: fc.integer({ min: 1, max: 9 }),
        requestsInFlight: fc.integer({ min: 10, max: 99 }),
      }),
      gateway: fc.record({ maxInFlightPerApp: fc.integer({ min: 1, max: 99 }) }),
    }),
  );
type Configuration = typeof configuration extends fc.Arbitrary<infer T> ? T : never;

describe('any two configurations', () => {
  let folder: ConfigFolder;

  beforeAll(() => {
    folder = new ConfigFolder();
    for (const [at, key] of KEYS.entries()) folder.write(`key-${at}`, key);
  });
  afterAll(() => {
    folder.delete();
  });

  function write({ ofTeams, apps, clients, ...sections }: Configuration): string {
    const text = (tree: object) => JSON.stringify(tree).replaceAll('FOLDER', folder.path);
    folder.write(
      'teams/team.yaml',
      text({ apps: apps.slice(0, ofTeams), clients: clients.slice(0, ofTeams) }),
    );
    return folder.write(
      'broker.yaml',
      text({
        ...sections,
        audit: { reads: 'none', destination: folder.file('audit.log') },
        configDir: { path: folder.file('teams') },
        apps: apps.slice(ofTeams),
        clients: clients.slice(ofTeams),
      }),
    );
  }

  /** All that a caller or an operator could notice. */
  function shown({ broker, callers, callerViews, limits, live }: LiveBroker): object {
    return {
      apps: broker.apps.map((name) => {
        const { appId, grant, host, refresh } = { ...broker.definition(name) } as Record<string, unknown>;
        return { name, appId, grant, host, refresh };
      }),
      callers: KEYS.map((key) => {
        const who = callers.ofKey(key);
        if (who.kind !== 'ok') return who;
        const { client } = who;
        return {
          name: client.name,
          apps: client.apps,
          implied: client.visibleApp(undefined),
          scopes: SCOPES.filter((scope) => client.may(scope)),
          gateway: client.gateway,
          promisedSeconds: client.promisedSeconds(10 ** 9),
        };
      }),
      callerViews,
      limits: [limits.maxInFlight, limits.maxConnections],
      sha256: live.state.sha256,
      faults: live.state.faults,
      restartRequired: live.state.restartRequired,
    };
  }

  it('are the same after a reload as after a start', async () => {
    await fc.assert(
      fc.asyncProperty(configuration, configuration, async (one, other) => {
        const reloaded = await LiveBroker.start(write(one));
        write(other);
        reloaded.reload();
        const started = await LiveBroker.start(write(other));
        expect(shown(reloaded)).toEqual(shown(started));
        expect(reloaded.reload()).toMatchObject({ faults: [] });
        expect(reloaded.events('config.reloaded').at(-1)).toMatchObject({ changes: [] });
        reloaded.close();
        started.close();
      }),
      { numRuns: 15 },
    );
  });
});
