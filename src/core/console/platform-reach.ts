import { MAX_HOST, MAX_HOSTS, MAX_HOST_TEXT, type HostReach } from '../ports/replica-registry.js';
import type { AppName } from '../token.js';
import { bytesOf, MAX_AHEAD_MS } from './read-stored.js';

/** The host of a platform as the console shows it, over all replicas. */
export interface PlatformState {
  readonly host: string;
  /** That have it. */
  readonly apps: number;
  /** Replicas whose last call got no answer. */
  readonly unreachableFrom: readonly string[];
  readonly failingApps: number;
  readonly message: string | null;
  readonly remedy: string | null;
  readonly lastAnswerAtMs: number | null;
}

/**
 * As JSON. Twenty hosts with two texts in Chinese, of 3 bytes a character, take 80,000. A text of characters that JSON escapes,
 * of 6 bytes, takes more.
 */
const MAX_TOLD_BYTES = 90_000;

/** What a replica tells the others: of as many hosts as there is room for. */
export function toldOf(hosts: readonly HostReach[]): readonly HostReach[] {
  const isFaulty = ({ fault }: HostReach): number => (fault ? 1 : 0);
  const told = hosts
    .filter(({ host }) => host.length <= MAX_HOST)
    .toSorted((a, b) => isFaulty(b) - isFaulty(a) || (b.lastAnswerAtMs ?? 0) - (a.lastAnswerAtMs ?? 0))
    .slice(0, MAX_HOSTS)
    .map(({ fault, ...host }) => ({
      ...host,
      fault: fault && {
        atMs: fault.atMs,
        message: fault.message?.slice(0, MAX_HOST_TEXT) ?? null,
        remedy: fault.remedy?.slice(0, MAX_HOST_TEXT) ?? null,
      },
    }));
  while (bytesOf(told) > MAX_TOLD_BYTES) told.pop();
  return told;
}

/** What one client may know of. */
export interface ShownHosts {
  /** For each host, how many of the client's apps call it. */
  readonly apps: ReadonlyMap<string, number>;
  /** Whether these are all apps. What other replicas count is about all. */
  readonly isAll: boolean;
  /** The client's apps that fail at this host on this replica. */
  readonly failing: (host: string) => number;
}

/**
 * How the hosts of a client's apps fare on all replicas.
 *
 * @param reaches by replica, this one first: its words are taken where several cannot reach a host
 */
export function platformsOf(
  { apps, isAll, failing }: ShownHosts,
  reaches: ReadonlyMap<string, readonly HostReach[]>,
  nowMs: number,
): readonly PlatformState[] {
  const [own] = reaches.keys();
  const byHost = new Map<string, [replica: string, reach: HostReach][]>();
  for (const [replica, hosts] of reaches) {
    for (const reach of hosts) {
      if (!apps.has(reach.host)) continue;
      const known = byHost.get(reach.host) ?? [];
      known.push([replica, reach]);
      byHost.set(reach.host, known);
    }
  }
  return [...apps]
    .map(([host, count]) => {
      const known = byHost.get(host) ?? [];
      const faulty = known.filter(([, { fault }]) => fault !== null);
      const counts = faulty.map(([replica, reach]) => {
        if (replica === own) return failing(host);
        return isAll ? Math.min(reach.failingApps, count) : 0;
      });
      const answers = known.map(([, { lastAnswerAtMs }]) => lastAnswerAtMs ?? 0);
      const lastAnswerAtMs = Math.max(0, ...answers.filter((atMs) => atMs <= nowMs + MAX_AHEAD_MS));
      const fault = faulty[0]?.[1].fault;
      return {
        host,
        apps: count,
        unreachableFrom: faulty.map(([replica]) => replica),
        failingApps: Math.max(0, ...counts),
        message: fault?.message ?? null,
        remedy: fault?.remedy ?? null,
        lastAnswerAtMs: lastAnswerAtMs === 0 ? null : lastAnswerAtMs,
      };
    })
    .toSorted((a, b) => (a.host < b.host ? -1 : 1));
}

/** How many of the apps have each host. */
export function countByHost(
  apps: readonly AppName[],
  hostOf: (app: AppName) => string | null,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const app of apps) {
    const host = hostOf(app);
    if (host !== null) counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  return counts;
}
