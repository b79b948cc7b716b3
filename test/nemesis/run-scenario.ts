import { setTimeout as sleep } from 'node:timers/promises';
import { steadyNow } from '@access-token-broker/simulator';
import { eventually } from '../support/eventually.js';
import { Cluster, type ClusterApp } from './cluster.js';
import { History } from './history.js';
import { judge, type AppTruth } from './invariants.js';
import { Load } from './load.js';
import { miscounts } from './miscounts.js';
import type { Replica } from './replica.js';
import { CONVERGED_WITHIN_MS, RECONCILE_MS, TRAVEL_MS } from './scale.js';
import type { Scenario, World } from './scenario.js';

/** All has to stay well for this long: until every replica has looked into the store once more. */
const STAYS_WELL_MS = 1.25 * RECONCILE_MS + 300;
const GIVE_UP_AFTER_MS = 30_000;

/** One line of the table of what was survived. */
export interface Survival {
  readonly scenario: string;
  readonly requests: number;
  readonly deadServed: number;
  readonly deadExcepted: number;
  readonly unserved: number;
  readonly fetches: number;
  readonly rotations: number;
  readonly faults: number;
  readonly convergedAfterMs: number;
  /** None: survived. */
  readonly violations: readonly string[];
  readonly steps: readonly string[];
  /** For people who look into a violation. */
  readonly logs: string;
}

/** Runs a scenario on a cluster of its own, under load, and judges what clients and platform saw. */
export async function runScenario(scenario: Scenario): Promise<Survival> {
  const cluster = await Cluster.create(scenario.cluster);
  try {
    return await survive(scenario, cluster);
  } finally {
    await cluster.stop();
  }
}

async function survive(scenario: Scenario, cluster: Cluster): Promise<Survival> {
  if (!scenario.isColdStart) {
    await cluster.start();
    const trouble = await converged(cluster, cluster.replicas);
    if (trouble) throw new Error(`Not well before the first fault: ${trouble}`);
  }
  const history = new History();
  const { reporting = false, asksForAny = false } = scenario;
  const load = new Load(cluster, history, { reporting, asksForAny });
  const tally = new Tally(cluster, history, scenario);
  const violations: string[] = [];
  await scenario.run(tally).catch((error: unknown) => violations.push(String(error)));
  await cluster.heal();
  const { trouble, tookMs } = await healed(scenario, cluster);
  await load.stop();
  const verdict = judge(history, tally.truths());
  violations.push(...(await miscounts(cluster)));
  violations.push(...crashes(cluster), ...(trouble ? [`I7: ${trouble}`] : []), ...late(scenario, tookMs));
  if (!scenario.endsUnwell) violations.push(...(await storeIsBehind(cluster)));
  if (history.unserved.length > 0 && !scenario.mayBeUnserved) {
    violations.push(`gap: ${String(history.unserved.length)} times a client found no replica with a token`);
  }
  return {
    scenario: scenario.name,
    requests: history.exchanges.length,
    unserved: history.unserved.length,
    faults: tally.injected,
    convergedAfterMs: tookMs,
    ...verdict,
    violations: [...violations, ...verdict.violations],
    steps: tally.steps,
    logs: cluster.replicas.map(({ name, output }) => `--- ${name}\n${output}`).join('\n'),
  };
}

/** What a scenario works with, and what it did. */
class Tally implements World {
  readonly steps: string[] = [];
  injected = 0;
  private readonly faults = new Map<ClusterApp, number>();
  private readonly before = new Map<ClusterApp, string[]>();
  private readonly fetchesBefore = new Map<ClusterApp, number>();

  constructor(
    readonly cluster: Cluster,
    readonly history: History,
    private readonly scenario: Scenario,
  ) {
    for (const app of cluster.apps) {
      this.fetchesBefore.set(app, cluster.fetches(app));
      this.before.set(
        app,
        cluster.tokens(app).map(({ token }) => token),
      );
    }
  }

  // Properties, so that a scenario may take out what it needs.
  readonly fault = (count = 1, app?: ClusterApp): void => {
    this.injected += count;
    for (const one of app ? [app] : this.cluster.apps) {
      this.faults.set(one, (this.faults.get(one) ?? 0) + count);
    }
  };

  readonly did = (step: string): void => {
    this.steps.push(step);
  };

  readonly force = async (app: ClusterApp, replica: Replica): Promise<number> => {
    const reply = await replica.post('/token/refresh', { app: app.name, force: true });
    this.history.add({ kind: 'report', app: app.name, replica: replica.name }, reply);
    return reply.status;
  };

  readonly platformSees = async (app: ClusterApp, more: number): Promise<void> => {
    const before = this.cluster.requests(app);
    await eventually(
      `${String(more)} requests for a token of ${app.name}`,
      () => this.cluster.requests(app) >= before + more,
    );
  };

  truths(): AppTruth[] {
    const { cluster } = this;
    return cluster.apps.map((app) => ({
      name: app.name,
      tokens: cluster.tokens(app),
      fetches: cluster.fetches(app) - (this.fetchesBefore.get(app) ?? 0),
      servedBefore: this.before.get(app) ?? [],
      isCutOff: this.scenario.isCutOff ?? false,
      isPutBack: this.scenario.isPutBack ?? false,
      allowedExtra: this.faults.get(app) ?? 0,
    }));
  }
}

/** `tookMs`: until the last moment when something was not well. */
async function healed(
  { endsUnwell }: Scenario,
  cluster: Cluster,
): Promise<{ readonly trouble: string | null; readonly tookMs: number }> {
  if (endsUnwell) return { trouble: null, tookMs: 0 };
  const startMs = steadyNow();
  let wellMs = startMs;
  let trouble = await converged(cluster, cluster.replicas);
  if (trouble === null) wellMs = steadyNow();
  while (trouble === null && steadyNow() < wellMs + STAYS_WELL_MS) {
    await sleep(20);
    const lookedMs = steadyNow();
    trouble = await converged(cluster, cluster.replicas);
    // A rotation that was due takes its time, too.
    if (steadyNow() > lookedMs + TRAVEL_MS) wellMs = steadyNow();
  }
  return { trouble, tookMs: wellMs - startMs };
}

function crashes({ replicas }: Cluster): string[] {
  return replicas.filter(({ isUp }) => !isUp).map(({ name }) => `crash: ${name} ended by itself`);
}

/** I7. Resolves when all is well, with null, or when it takes far too long, with what is not. */
async function converged(cluster: Cluster, replicas: readonly Replica[]): Promise<string | null> {
  const deadlineMs = steadyNow() + GIVE_UP_AFTER_MS;
  for (;;) {
    const troubles = await Promise.all(replicas.map((replica) => troubleOf(replica, cluster)));
    const trouble = troubles.find((one) => one !== null) ?? null;
    if (trouble === null || steadyNow() > deadlineMs) return trouble;
    await sleep(20);
  }
}

/** Why this replica is not well: it serves the platform's newest token of each app, and suspects none. */
async function troubleOf(replica: Replica, cluster: Cluster): Promise<string | null> {
  const troubles = await Promise.all(cluster.apps.map((app) => troubleOfToken(replica, app, cluster)));
  const trouble = troubles.find((one) => one !== null) ?? null;
  if (trouble !== null) return trouble;
  const { body } = await replica.get('/apps');
  const apps: readonly { readonly app?: unknown; readonly state?: unknown }[] =
    Object.values(body).map(Object);
  const unwell = apps.find(({ state }) => state !== 'ok');
  if (unwell) return `${replica.name} calls ${String(unwell.app)} ${String(unwell.state)}`;
  return apps.length === cluster.apps.length ? null : `${replica.name} does not name its apps`;
}

async function troubleOfToken(replica: Replica, app: ClusterApp, cluster: Cluster): Promise<string | null> {
  const newest = cluster.tokens(app).at(-1)?.token;
  const { body, status } = await replica.get(`/token?app=${app.name}`);
  if (status !== 200) return `${replica.name} has no token of ${app.name}: ${String(body.code)}`;
  return body.access_token === newest
    ? null
    : `${replica.name} does not serve the newest token of ${app.name}`;
}

function late({ convergedWithinMs = CONVERGED_WITHIN_MS }: Scenario, tookMs: number): string[] {
  if (tookMs <= convergedWithinMs) return [];
  return [`I7: converged after ${String(tookMs)} ms, not within ${String(convergedWithinMs)} ms`];
}

/** A replica that starts now knows nothing but what is stored: it has to serve what the others do, without a fetch. */
async function storeIsBehind(cluster: Cluster): Promise<string[]> {
  if (!cluster.isShared) return [];
  const auditor = await cluster.addReplica('auditor');
  await auditor.start();
  const trouble = await converged(cluster, [auditor]);
  if (trouble) return [`I7: the store is wrong: ${trouble}`];
  // What lives by one clock may be over by the next one.
  if (cluster.clock || !auditor.output.includes('"reason":"cold"')) return [];
  return ['I7: a new replica found no living token stored'];
}
