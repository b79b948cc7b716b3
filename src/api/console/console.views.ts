import { sumOfUse, type AppUse, type Counts } from '../../core/console/app-use.js';
import { identityName, later, type ClientSums } from '../../core/console/client-use.js';
import { ConsoleData } from '../../core/console/console-data.js';
import type { HistoryEvent } from '../../core/ports/history.js';
import type { AppStatus } from '../../core/status/app-status.js';
import { appView } from '../apps/apps.controller.js';
import type { ClientAccess, Identity } from '../auth/client-access.js';
import type { RateSection } from '../../config/limits.section.js';
import { rfc3339, rfc3339OrNull, type FromSchema } from '../common/schema.js';
import { type ConfigState, ConfigStatus } from '../config/config.controller.js';
import type {
  callersSchema,
  detailSchema,
  eventSchema,
  rowSchema,
  sessionSchema,
  systemSchema,
} from './console.schemas.js';
import type { ConsoleSession } from './session-cookie.js';
import { Injectable } from '@nestjs/common';
import { TokenBroker } from '../../core/broker.js';
import { Clock } from '../../core/ports/clock.js';

export type SessionView = FromSchema<typeof sessionSchema>;
export type AppRow = FromSchema<typeof rowSchema>;
export type AppDetail = FromSchema<typeof detailSchema>;
export type EventView = FromSchema<typeof eventSchema>;
export type CallersView = FromSchema<typeof callersSchema>;
export type SystemView = FromSchema<typeof systemSchema>;

/** @param session null for a client that came with its key */
export function sessionView(
  client: ClientAccess,
  session: ConsoleSession | null,
  version: string,
  nowMs: number,
): SessionView {
  return {
    client: client.name,
    can_act: client.may('console:act'),
    csrf: session?.csrf ?? '',
    expires_at: rfc3339(session?.expiresAtMs ?? nowMs),
    broker_version: version,
  };
}

export function rowView(status: AppStatus, disagreeing: readonly string[]): AppRow {
  return {
    ...appView(status),
    suspect_reason: status.suspectReason,
    forced_today: status.forcedToday,
    forced_budget: status.grant === null ? null : status.forcedBudget,
    disagreeing_replicas: disagreeing,
  };
}

export function detailView(
  row: AppRow,
  own: AppUse,
  others: ReadonlyMap<string, unknown>,
  snippets: AppDetail['snippets'],
): AppDetail {
  const { callers, login, gateway } = sumOfUse(own, [...others.values()]);
  return {
    row,
    callers: callers.map(({ client, reads, reports, lastReadAtMs, lastReportAtMs }) => ({
      client,
      reads,
      reports,
      last_read_at: rfc3339OrNull(lastReadAtMs),
      last_report_at: rfc3339OrNull(lastReportAtMs),
    })),
    login: countsView(login),
    gateway: countsView(gateway),
    snippets,
  };
}

function countsView(counts: Counts | null): AppDetail['login'] {
  return counts && { total: counts.total, failed: counts.failed, last_at: rfc3339OrNull(counts.lastAtMs) };
}

export function eventView({ atMs, durationMs, ...event }: HistoryEvent): EventView {
  return { ...event, at: rfc3339(atMs), duration_ms: durationMs };
}

export function callerView(
  { name, section: { scopes, apps } }: ClientAccess,
  identities: readonly Identity[],
  rate: Required<RateSection>,
  sums: ClientSums,
): CallersView['items'][number] {
  const { reads, reports, refused } = sums.of(name);
  const keys = identities.map((identity) => ({ identity, sum: sums.of(identityName(name, identity)) }));
  const newest = keys.map(({ sum }) => sum.last).reduce(later, null);
  return {
    client: name,
    scopes,
    apps,
    rate: { requests_per_second: rate.requestsPerSecond, burst: rate.burst },
    reads,
    reports,
    refused,
    last_used_at: rfc3339OrNull(newest?.atMs ?? null),
    last_used_on: newest?.replica ?? null,
    keys: keys.map(({ identity: { id, kind, expiresAtMs }, sum: { uses, last } }) => ({
      id,
      kind,
      last_used_at: rfc3339OrNull(last?.atMs ?? null),
      last_used_on: last?.replica ?? null,
      uses,
      expires_at: rfc3339OrNull(expiresAtMs),
    })),
  };
}

/** What is about all apps is for those who see all of them. */
function systemView(
  seesAll: boolean,
  {
    version,
    storeKind,
    board,
    platforms,
  }: Pick<ConsoleData, 'version' | 'storeKind' | 'board'> & {
    readonly platforms: ReturnType<ConsoleData['platforms']>;
  },
  { loadedAtMs, sha256, faults, restartRequired }: ConfigState,
  nowMs: number,
): SystemView {
  const { ok, sinceMs, message, remedy } = board.store;
  return {
    replica: board.replica,
    version,
    at: rfc3339(nowMs),
    replicas: board.all.map((replica) => ({
      id: replica.id,
      version: replica.version,
      started_at: rfc3339(replica.startedAtMs),
      seen_at: rfc3339(replica.seenAtMs),
      is_gone: replica.isGone,
      lag_ms: replica.lagMs,
      config_sha256: replica.configSha256,
    })),
    store: { kind: storeKind, ok, since: rfc3339OrNull(sinceMs), message, remedy },
    platforms: platforms.map((platform) => ({
      host: platform.host,
      ok: platform.unreachableFrom.length === 0,
      unreachable_from: platform.unreachableFrom,
      apps: platform.apps,
      failing_apps: platform.failingApps,
      message: platform.message,
      remedy: platform.remedy,
      last_answer_at: rfc3339OrNull(platform.lastAnswerAtMs),
    })),
    config: {
      loaded_at: rfc3339(loadedAtMs),
      sha256,
      ok: faults.length === 0,
      faults: seesAll ? [...faults] : [],
      restart_required: seesAll ? [...restartRequired] : [],
    },
  };
}

/** How the replicas, the store, the platforms and the configuration fare, for a client. */
@Injectable()
export class SystemViews {
  constructor(
    private readonly broker: TokenBroker,
    private readonly data: ConsoleData,
    private readonly config: ConfigStatus,
    private readonly clock: Clock,
  ) {}

  /** Whether the client sees every app, and with that what is about all of them. */
  seesAll({ section, apps }: ClientAccess): boolean {
    return section.apps === '*' || apps.length === this.broker.apps.length;
  }

  of(client: ClientAccess): SystemView {
    const { version, storeKind, board } = this.data;
    const platforms = this.data.platforms(client.apps);
    const { state } = this.config;
    return systemView(
      this.seesAll(client),
      { version, storeKind, board, platforms },
      state,
      this.clock.wallMs(),
    );
  }

  /** The part of the view whose change counts: the time does not, nor that a replica was seen again. */
  static essenceOf(view: SystemView): string {
    const skipped: ReadonlySet<string> = new Set(['at', 'seen_at', 'last_answer_at']);
    return JSON.stringify(view, (key, value: unknown) => (skipped.has(key) ? undefined : value));
  }
}
