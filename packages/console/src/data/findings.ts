import type { AppRow, SystemView } from '../api-types.ts';

export type Severity = 'bad' | 'warn';

/** Something that is wrong now. What it is called and what to do about it is in the messages. */
export type Finding = { readonly severity: Severity } & (
  | { readonly kind: 'link_lost'; readonly sinceMs: number }
  | { readonly kind: 'store_down'; readonly store: SystemView['store'] }
  | {
      readonly kind: 'platform_down';
      readonly platform: SystemView['platforms'][number];
      /** Replicas that cannot reach it; null: none can. */
      readonly from: readonly string[] | null;
    }
  | { readonly kind: 'replica_gone'; readonly replicas: readonly string[]; readonly seenAt: string }
  | { readonly kind: 'app_error'; readonly apps: readonly AppRow[]; readonly isServed: boolean }
  | { readonly kind: 'suspect'; readonly apps: readonly AppRow[] }
  | { readonly kind: 'no_token'; readonly apps: readonly AppRow[] }
  | { readonly kind: 'disagree'; readonly apps: readonly AppRow[]; readonly replicas: readonly string[] }
  | { readonly kind: 'config_faulty'; readonly fault: string }
  | { readonly kind: 'restart'; readonly keys: readonly string[] }
  | { readonly kind: 'config_differs'; readonly replicas: readonly string[] }
  | { readonly kind: 'budget'; readonly apps: readonly AppRow[] }
);

const BUDGET_SHARE = 0.9;

/** All that is wrong, the worst first: what explains most of the others, then what stops callers, then what may. */
export function findingsOf(
  apps: Iterable<AppRow>,
  system: SystemView | null,
  lostSinceMs: number | null,
): readonly Finding[] {
  const found = [...ofSystem(system), ...ofApps([...apps], system)];
  const sorted = [
    ...found.filter(({ severity }) => severity === 'bad'),
    ...found.filter(({ severity }) => severity === 'warn'),
  ];
  return lostSinceMs === null
    ? sorted
    : [{ kind: 'link_lost', severity: 'bad', sinceMs: lostSinceMs }, ...sorted];
}

function* ofSystem(system: SystemView | null): Generator<Finding> {
  if (!system) return;
  const { store, platforms, replicas, config } = system;
  if (!store.ok) yield { kind: 'store_down', severity: 'bad', store };
  const living = replicas.filter(({ is_gone }) => !is_gone).length;
  for (const platform of platforms) {
    if (platform.ok) continue;
    const from = platform.unreachable_from.length < living ? platform.unreachable_from : null;
    yield { kind: 'platform_down', severity: platform.failing_apps > 0 ? 'bad' : 'warn', platform, from };
  }
  const gone = replicas.filter(({ is_gone }) => is_gone);
  const [first] = gone;
  if (first) {
    const seenAt = gone.map(({ seen_at }) => seen_at).reduce((a, b) => (a > b ? a : b));
    yield { kind: 'replica_gone', severity: 'bad', replicas: gone.map(({ id }) => id), seenAt };
  }
  const [fault] = config.faults;
  if (!config.ok && fault !== undefined) yield { kind: 'config_faulty', severity: 'warn', fault };
  if (config.restart_required.length > 0)
    yield { kind: 'restart', severity: 'warn', keys: config.restart_required };
  const others = replicas.filter(
    ({ is_gone, config_sha256: sha }) =>
      !is_gone && sha !== null && config.sha256 !== null && sha !== config.sha256,
  );
  if (others.length > 0)
    yield { kind: 'config_differs', severity: 'warn', replicas: others.map(({ id }) => id) };
}

function* ofApps(rows: readonly AppRow[], system: SystemView | null): Generator<Finding> {
  const said = new Set(
    [system?.store, ...(system?.platforms ?? [])].flatMap((one) => (one && !one.ok ? [one.remedy] : [])),
  );
  const errors = new Map<string, AppRow[]>();
  const suspects = new Map<string, AppRow[]>();
  const tokenless: AppRow[] = [];
  const disagreeing: AppRow[] = [];
  const spent: AppRow[] = [];
  for (const row of rows) {
    const { state, last_error: error, fetches_today: used, fetch_budget: budget } = row;
    const isServed = state !== 'expired' && state !== 'pending';
    if (state === 'suspect') add(suspects, row.suspect_reason ?? '', row);
    else if (state !== 'ok' && error) {
      // The same trouble has been said once for all.
      if (!said.has(error.remedy)) add(errors, `${isServed} ${error.errcode ?? ''} ${error.remedy}`, row);
    } else if (!isServed) tokenless.push(row);
    if (row.disagreeing_replicas.length > 0) disagreeing.push(row);
    if (budget > 0 && used >= budget * BUDGET_SHARE) spent.push(row);
  }
  const groups = [...errors.values()].map((apps) => {
    const isServed = apps.every(({ state }) => state === 'degraded');
    return { kind: 'app_error', severity: isServed ? 'warn' : 'bad', apps, isServed } as const;
  });
  yield* groups.sort((a, b) => b.apps.length - a.apps.length);
  if (tokenless.length > 0) yield { kind: 'no_token', severity: 'bad', apps: tokenless };
  for (const apps of suspects.values()) yield { kind: 'suspect', severity: 'bad', apps };
  if (disagreeing.length > 0) {
    const replicas = [...new Set(disagreeing.flatMap((row) => row.disagreeing_replicas))];
    yield { kind: 'disagree', severity: 'warn', apps: disagreeing, replicas };
  }
  if (spent.length > 0) yield { kind: 'budget', severity: 'warn', apps: spent };
}

function add(groups: Map<string, AppRow[]>, key: string, row: AppRow): void {
  const group = groups.get(key);
  if (group) group.push(row);
  else groups.set(key, [row]);
}
