/** What the server answers to the page below /console/api. Times are RFC 3339 in UTC. */

export interface Session {
  client: string;
  /** Whether the client has the scope `console:act`. */
  can_act: boolean;
  /** Goes back as `x-csrf-token` with every request that is not a GET. */
  csrf: string;
  expires_at: string;
  broker_version: string;
}

export interface Problem {
  errcode: number | string | null;
  message: string;
  /** What to do, of the platform's table of error codes. */
  remedy: string;
  at: string;
}

export interface AppRow {
  app: string;
  provider: string;
  type: string | null;
  grant: string | null;
  app_id: string;
  state: AppState;
  suspect_reason: string | null;
  generation: number | null;
  issued_at: string | null;
  expires_at: string | null;
  next_refresh_at: string | null;
  last_error: Problem | null;
  fetches_today: number;
  fetch_budget: number;
  forced_today: number;
  forced_budget: number | null;
  /** Replicas that show another generation than this one, longer than a rotation takes to arrive. */
  disagreeing_replicas: string[];
}

/**
 * `ok`; `suspect`: served, while it is verified or replaced; `degraded`: served, but refreshes fail; `expired`: had a token
 * and could not replace it in time; `pending`: never had one.
 */
export type AppState = 'ok' | 'suspect' | 'degraded' | 'expired' | 'pending';

export interface AppList {
  items: AppRow[];
  /** The name to ask for as `after`; null at the end. */
  next: string | null;
}

export interface AppDetail {
  row: AppRow;
  callers: AppCaller[];
  login: Counts | null;
  gateway: Counts | null;
  snippets: Snippet[];
}

/** Since the replicas started, summed over those that live. */
export interface AppCaller {
  client: string;
  reads: number;
  reports: number;
  last_read_at: string | null;
  last_report_at: string | null;
}

export interface Counts {
  total: number;
  failed: number;
  last_at: string | null;
}

/** With this app's names filled in, and `${KEY}` for the key. */
export interface Snippet {
  id: 'curl' | 'node' | 'java' | 'go' | 'php' | 'python';
  title: string;
  text: string;
}

export interface HistoryEvent {
  id: string;
  at: string;
  app: string;
  replica: string;
  kind: HistoryKind;
  generation: number | null;
  fingerprint: string | null;
  reason: string | null;
  caller: string | null;
  result: string | null;
  errcode: number | string | null;
  message: string | null;
  remedy: string | null;
  duration_ms: number | null;
}

export type HistoryKind =
  'rotated' | 'fetch_failed' | 'reported' | 'suspected' | 'healed' | 'died_early' | 'forced' | 'probed';

export interface HistoryPage {
  /** Newest first, at most 7 days. */
  events: HistoryEvent[];
  /** The id to ask for as `before`; null at the end. */
  next: string | null;
}

export interface ProbeResult {
  outcome: 'alive' | 'dead' | 'unknown';
  errcode: number | string | null;
  message: string | null;
  remedy: string | null;
  duration_ms: number;
}

export interface RefreshResult {
  result: string;
  generation: number | null;
  message: string | null;
  remedy: string | null;
}

export interface CallerList {
  items: CallerRow[];
}

export interface CallerRow {
  client: string;
  scopes: string[];
  apps: string[] | '*';
  rate: { requests_per_second: number; burst: number } | null;
  /** Of all replicas since each started: tokens given, reports, calls turned away. */
  reads: number;
  reports: number;
  refused: number;
  last_used_at: string | null;
  /** The replica, which may be gone. */
  last_used_on: string | null;
  keys: CallerKey[];
}

export interface CallerKey {
  /** The beginning of the key's hash, never the key. */
  id: string;
  kind: 'key' | 'jwt' | 'certificate';
  last_used_at: string | null;
  last_used_on: string | null;
  uses: number;
  expires_at: string | null;
}

export interface SystemView {
  /** The replica that answers. */
  replica: string;
  version: string;
  at: string;
  replicas: Replica[];
  store: {
    kind: 'memory' | 'redis';
    ok: boolean;
    since: string | null;
    message: string | null;
    remedy: string | null;
  };
  platforms: PlatformHost[];
  config: {
    loaded_at: string;
    sha256: string | null;
    ok: boolean;
    faults: string[];
    restart_required: string[];
  };
}

export interface Replica {
  id: string;
  version: string;
  started_at: string;
  seen_at: string;
  is_gone: boolean;
  lag_ms: number | null;
  config_sha256: string | null;
}

export interface PlatformHost {
  host: string;
  ok: boolean;
  /** Replicas whose last call got no answer. */
  unreachable_from: string[];
  apps: number;
  failing_apps: number;
  message: string | null;
  remedy: string | null;
  last_answer_at: string | null;
}
