import { setTimeout as sleep } from 'node:timers/promises';
import { createTokenClient, type TokenClientEvent, type TokenClient } from '@access-token-broker/client';
import { steadyNow } from '@access-token-broker/simulator';
import { Cluster, type ClusterApp } from './nemesis/cluster.js';
import { eventually } from './support/eventually.js';
import { objectFrom } from './support/object-from.js';

const CALLERS = 8;
const PAUSE_MS = 25;
/** A new token's way from the platform through the broker to whoever waits for it. */
const TRAVEL_MS = 100;

interface Failure {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** How often the platform was asked. */
  readonly runs: number;
  readonly what: string;
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Callers that each do a business call at the platform through one shared client, over and over. */
class Callers {
  calls = 0;
  readonly failures: Failure[] = [];
  private isOver = false;
  private readonly callers: readonly Promise<void>[];

  constructor(
    private readonly client: TokenClient,
    private readonly platformUrl: string,
  ) {
    this.callers = Array.from({ length: CALLERS }, () => this.run());
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.callers);
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      const startedAtMs = steadyNow();
      const { runs, what } = await this.call();
      this.calls += 1;
      if (what !== null) this.failures.push({ startedAtMs, endedAtMs: steadyNow(), runs, what });
      await sleep(PAUSE_MS);
    }
  }

  /** `what` is null when it succeeded. */
  private async call(): Promise<{ runs: number; what: string | null }> {
    let runs = 0;
    try {
      const answer = await this.client.call(async (token) => {
        runs += 1;
        const response = await fetch(`${this.platformUrl}/cgi-bin/get_api_domain_ip?access_token=${token}`);
        return objectFrom(await response.text());
      });
      return { runs, what: answer.errcode === undefined ? null : JSON.stringify(answer) };
    } catch (error) {
      return { runs, what: String(error) };
    }
  }
}

describe('calls through the client, under load', () => {
  let cluster: Cluster;
  let client: TokenClient;
  let callers: Callers;
  let app: ClusterApp;
  const events: TokenClientEvent[] = [];

  beforeAll(async () => {
    cluster = await Cluster.create({
      replicas: 2,
      apps: [{ name: 'shop', grant: 'classic' }],
      logLevel: 'info',
    });
    await cluster.start();
    app = cluster.app('shop');
    client = createTokenClient({
      url: cluster.replicas.map(({ url }) => url),
      apiKey: cluster.key,
      app: 'shop',
      timeoutMs: 2000,
    });
    client.subscribe((event) => events.push(event));
    callers = new Callers(client, cluster.simulator.url);
    await eventually('calls', () => callers.calls > CALLERS);
  }, 30_000);
  afterAll(async () => {
    await callers.stop();
    client.close();
    await cluster.stop();
  });

  /** When, during the call, there was no token that the platform would have taken and that had had the time to arrive. Infinity: none at its end. */
  const gapsIn = ({ startedAtMs, endedAtMs }: Failure): Span[] => {
    const gaps: Span[] = [];
    let coveredUntilMs = startedAtMs;
    const lives = cluster
      .tokens(app)
      .map(({ issued_at, ends_at }) => ({ fromMs: issued_at + TRAVEL_MS, toMs: ends_at }))
      .filter(({ fromMs, toMs }) => fromMs < toMs && fromMs <= endedAtMs && toMs > startedAtMs)
      .sort((a, b) => a.fromMs - b.fromMs);
    for (const { fromMs, toMs } of lives) {
      if (fromMs > coveredUntilMs) gaps.push({ fromMs: coveredUntilMs, toMs: fromMs });
      coveredUntilMs = Math.max(coveredUntilMs, toMs);
    }
    return coveredUntilMs <= endedAtMs ? [...gaps, { fromMs: coveredUntilMs, toMs: Infinity }] : gaps;
  };

  /** No token at the end; or each of the two that the call may use died under it. */
  const isExcused = (failure: Failure): boolean => {
    const gaps = gapsIn(failure);
    const diedTwice = failure.runs === 2 && failure.what.includes('40001') && gaps.length > 1;
    return diedTwice || gaps.at(-1)?.toMs === Infinity;
  };

  /** With what is needed to understand them. */
  const inexcusable = (failures: readonly Failure[]): object[] =>
    failures
      .filter((failure) => !isExcused(failure))
      .map((failure) => ({ ...failure, gaps: gapsIn(failure) }));

  /** Lets it go on for a while with the fault, and again without; returns the failures. */
  const during = async (
    fault: () => Promise<unknown>,
    healing: () => Promise<unknown>,
  ): Promise<Failure[]> => {
    const [failuresBefore, callsBefore] = [callers.failures.length, callers.calls];
    await fault();
    await sleep(2000);
    await healing();
    await sleep(1000);
    expect(callers.calls - callsBefore).toBeGreaterThan(50);
    return callers.failures.slice(failuresBefore);
  };

  const kill = async (): Promise<unknown> => cluster.simulator.killToken({ appId: app.appId });
  const nothing = async (): Promise<void> => {};
  const replicas = (): [ReturnType<Cluster['replica']>, ReturnType<Cluster['replica']>] => [
    cluster.replica(0),
    cluster.replica(1),
  ];

  it('do not fail when the platform kills the token', async () => {
    const mintedBefore = cluster.tokens(app).length;
    expect(await during(kill, nothing)).toEqual([]);
    expect(cluster.tokens(app)).toHaveLength(mintedBefore + 1);
  }, 15_000);

  it('do not fail when the platform gives no tokens', async () => {
    const failures = await during(
      async () => cluster.simulator.addFault({ times: 0, reset: 'before' }),
      async () => {
        cluster.simulator.clearFaults();
      },
    );
    expect(failures).toEqual([]);
  }, 15_000);

  it('fail when it also kills the one there is, until there is another, and not for longer', async () => {
    const failures = await during(
      async () => {
        cluster.simulator.addFault({ times: 0, reset: 'before' });
        await kill();
      },
      async () => {
        cluster.simulator.clearFaults();
        await eventually('a living token', () => cluster.tokens(app).at(-1)?.died_at === null);
      },
    );
    expect(failures.length).toBeGreaterThan(0);
    expect(inexcusable(failures)).toEqual([]);
    const failuresBefore = callers.failures.length;
    await sleep(500);
    expect(inexcusable(callers.failures.slice(failuresBefore))).toEqual([]);
    // What is checked here can fail: giving up before the new token is excused, and not when it is there.
    const bornMs = cluster.tokens(app).at(-1)?.issued_at ?? NaN;
    const late = { startedAtMs: bornMs - 300, runs: 1, what: 'late' };
    expect(isExcused({ ...late, endedAtMs: bornMs })).toBe(true);
    expect(isExcused({ ...late, endedAtMs: bornMs + TRAVEL_MS })).toBe(false);
  }, 30_000);

  it('do not fail when Redis is killed', async () => {
    const failures = await during(
      () => cluster.redis.kill(),
      () => cluster.redis.restart(),
    );
    expect(failures).toEqual([]);
  }, 15_000);

  it.each([0, 1])(
    'do not fail when replica %i is killed, and the token with it',
    async (index) => {
      const replica = replicas()[index];
      const failures = await during(
        async () => {
          await replica?.kill();
          await kill();
        },
        async () => {
          await replica?.start();
          await replica?.ready();
        },
      );
      expect(inexcusable(failures)).toEqual([]);
    },
    20_000,
  );

  it('do not fail when all replicas are away while the token lives, and the client says so', async () => {
    const eventsBefore = events.length;
    const failures = await during(
      () => Promise.all(replicas().map((replica) => replica.kill())),
      async () => {
        await Promise.all(replicas().map((replica) => replica.start()));
        await Promise.all(replicas().map((replica) => replica.ready()));
        await eventually(
          'recovered',
          () => events.at(-1)?.type === 'recovered' || events.at(-1)?.type === 'token',
        );
      },
    );
    expect(inexcusable(failures)).toEqual([]);
    const types = events.slice(eventsBefore).map(({ type }) => type);
    expect(types).toContain('degraded');
    expect(types).toContain('recovered');
  }, 40_000);

  it('do not fail in a rolling restart', async () => {
    const failures = await during(async () => {
      for (const replica of replicas()) {
        expect(await replica.terminate()).toBe(0);
        await replica.start();
        await replica.ready();
      }
    }, nothing);
    expect(failures).toEqual([]);
  }, 30_000);

  it('never went back to an older token', () => {
    const generations = events.flatMap((event) => (event.type === 'token' ? [event.generation] : []));
    expect(generations.length).toBeGreaterThan(3);
    expect(generations).toEqual([...generations].sort((a, b) => a - b));
  });
});
