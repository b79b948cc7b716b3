import { objectFrom } from '../support/object-from.js';
import type { Cluster, ClusterApp } from './cluster.js';
import type { Replica } from './replica.js';

/** How the requests that a replica sent ended, as it says. */
interface Counted {
  /** With a token or an errcode. */
  answered: number;
  /** Whether the platform saw them is not known. */
  unknown: number;
}

const TRIES = 3;

/**
 * Whether the replicas' fetch counters add up to the platform's own count, but for the requests whose fate they say not
 * to know. Processes that have ended are counted by their log. A rotation may come between two looks, so it looks thrice.
 */
export async function miscounts(cluster: Cluster): Promise<string[]> {
  const found = await Promise.all(cluster.apps.map((app) => miscount(cluster, app)));
  return found.filter((violation) => violation !== null);
}

async function miscount(cluster: Cluster, app: ClusterApp, tries = TRIES): Promise<string | null> {
  const parts = await Promise.all(
    cluster.replicas.flatMap((replica) => [countedNow(replica, app), countedBefore(replica, app)]),
  );
  const answered = parts.reduce((sum, part) => sum + part.answered, 0);
  const unknown = parts.reduce((sum, part) => sum + part.unknown, 0);
  const seen = cluster.requests(app);
  if (answered <= seen && seen <= answered + unknown) return null;
  if (tries > 1) return miscount(cluster, app, tries - 1);
  return `metrics ${app.name}: the platform saw ${String(seen)} requests, the replicas count ${String(answered)} and ${String(unknown)} of unknown fate`;
}

async function countedNow(replica: Replica, app: ClusterApp): Promise<Counted> {
  const text = replica.isUp ? await replica.text('/metrics') : '';
  const samples = [...text.matchAll(/^tokenbroker_upstream_fetches_total\{([^}]*)\} (\d+)$/gm)];
  const sum = (outcomes: RegExp): number =>
    samples
      .filter(([, labels = '']) => labels.includes(`app="${app.name}"`) && outcomes.test(labels))
      .reduce((total, [, , value]) => total + Number(value), 0);
  return { answered: sum(/outcome="(issued|refused)"/), unknown: sum(/outcome="unknown"/) };
}

async function countedBefore({ endedOutput }: Replica, app: ClusterApp): Promise<Counted> {
  const lines = endedOutput.split('\n').map(objectFrom);
  const ended = lines.filter((line) => line.event === 'token.fetch_ended' && line.app === app.name);
  const started = lines.filter((line) => line.event === 'token.fetch_started' && line.app === app.name);
  const count = (...outcomes: readonly string[]): number =>
    ended.filter(({ outcome }) => outcomes.includes(String(outcome))).length;
  return { answered: count('issued', 'refused'), unknown: count('unknown') + started.length - ended.length };
}
