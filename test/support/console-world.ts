import type { AppRow, HistoryEvent, Problem, SystemView } from '../../packages/console/src/api-types.js';
import type { ConsoleWorld } from './console-fixture.js';

const MINUTE_MS = 60_000;
const SHA = 'b51f0c3a9e7d2244';

export const at = (minutesFromNow: number) => new Date(Date.now() + minutesFromNow * MINUTE_MS).toISOString();

/** An app in the middle of its token's life. */
export function rowOf(app: string, changes: Partial<AppRow> = {}): AppRow {
  return {
    app,
    provider: 'wechat',
    type: 'official_account',
    grant: 'stable',
    app_id: 'wx3f2a90c1d4e5b678',
    state: 'ok',
    suspect_reason: null,
    generation: 118,
    issued_at: at(-40),
    expires_at: at(80),
    next_refresh_at: at(65),
    last_error: null,
    fetches_today: 11,
    fetch_budget: 500,
    forced_today: 0,
    forced_budget: 40,
    disagreeing_replicas: [],
    ...changes,
  };
}

export function systemOf(changes: Partial<SystemView> = {}): SystemView {
  const replica = (id: string, minutes: number) => ({
    id,
    version: '0.2.0',
    started_at: at(-minutes),
    seen_at: at(0),
    is_gone: false,
    lag_ms: 3,
    config_sha256: SHA,
  });
  return {
    replica: 'broker-6f9c-1',
    version: '0.2.0',
    at: at(0),
    replicas: [replica('broker-6f9c-1', 3100), replica('broker-6f9c-2', 3098)],
    store: { kind: 'redis', ok: true, since: at(-3100), message: null, remedy: null },
    platforms: [
      {
        host: 'api.weixin.qq.com',
        ok: true,
        unreachable_from: [],
        apps: 5,
        failing_apps: 0,
        message: null,
        remedy: null,
        last_answer_at: at(-2),
      },
      {
        host: 'qyapi.weixin.qq.com',
        ok: true,
        unreachable_from: [],
        apps: 1,
        failing_apps: 0,
        message: null,
        remedy: null,
        last_answer_at: at(-9),
      },
    ],
    config: { loaded_at: at(-95), sha256: SHA, ok: true, faults: [], restart_required: [] },
    ...changes,
  };
}

const problemOf = (errcode: number, message: string, remedy: string, minutes = -3): Problem => ({
  errcode,
  message,
  remedy,
  at: at(minutes),
});

export const WHITELIST = problemOf(
  40164,
  'invalid ip 203.0.113.7, not in whitelist',
  "Add the broker's outgoing IP address, which the message names, to the IP whitelist (IP白名单) in the app's development settings on mp.weixin.qq.com.",
);

/** A world as it is on most days, and as it is drawn in the documentation: one app is refused, another is looked at. */
export function ordinaryWorld(): ConsoleWorld {
  const apps = [
    rowOf('coupons', {
      app_id: 'wx90e17b55c20fd3aa',
      generation: 2041,
      issued_at: at(-100),
      expires_at: at(20),
      next_refresh_at: at(4),
      fetches_today: 14,
    }),
    rowOf('member-day', {
      app_id: 'wx5d2c88a1907be441',
      state: 'degraded',
      generation: 77,
      issued_at: at(-113),
      expires_at: at(7),
      next_refresh_at: at(1),
      fetches_today: 23,
      last_error: WHITELIST,
    }),
    rowOf('mini-shop', {
      type: 'mini_program',
      app_id: 'wxb7714f0e6c3d2a19',
      generation: 402,
      issued_at: at(-12),
      expires_at: at(108),
      next_refresh_at: at(93),
    }),
    rowOf('service', {
      provider: 'wecom',
      type: null,
      grant: 'gettoken',
      app_id: 'ww81fe20d5b3a9c764',
      generation: 233,
      issued_at: at(-71),
      expires_at: at(49),
      next_refresh_at: at(34),
      fetches_today: 8,
    }),
    rowOf('shop', {
      state: 'suspect',
      suspect_reason: 'reported',
      generation: 5120,
      issued_at: at(-31),
      expires_at: at(89),
      next_refresh_at: at(0.2),
      fetches_today: 31,
      forced_today: 2,
    }),
    rowOf('tickets', {
      app_id: 'wx0a6d3be8f1c24975',
      generation: 19,
      issued_at: at(-3),
      expires_at: at(117),
      next_refresh_at: at(102),
      fetches_today: 2,
    }),
  ];
  return {
    apps,
    system: systemOf(),
    callers: callers(),
    history: history('shop'),
    canAct: true,
    probe: { outcome: 'alive', errcode: null, message: null, remedy: null, duration_ms: 87 },
  };
}

function callers(): ConsoleWorld['callers'] {
  const key = (id: string, minutes: number | null, uses: number) => ({
    id,
    kind: 'key' as const,
    last_used_at: minutes === null ? null : at(minutes),
    last_used_on: minutes === null ? null : 'broker-6f9c-2',
    uses,
    expires_at: null,
  });
  return [
    {
      client: 'orders',
      scopes: ['token:read', 'token:refresh'],
      apps: ['shop', 'mini-shop'],
      rate: null,
      reads: 48_210,
      reports: 0,
      refused: 0,
      last_used_at: at(-0.05),
      last_used_on: 'broker-6f9c-2',
      keys: [key('9f3c02d1a7b4', -0.05, 48_210), key('12ab77f0c9e3', null, 0)],
    },
    {
      client: 'marketing',
      scopes: ['token:read'],
      apps: ['coupons', 'member-day'],
      rate: { requests_per_second: 50, burst: 100 },
      reads: 1204,
      reports: 3,
      refused: 214,
      last_used_at: at(-2),
      last_used_on: 'broker-6f9c-2',
      keys: [{ ...key('c01d9e442ab8', -2, 1204), expires_at: at(60 * 24 * 12) }],
    },
    {
      client: 'ops',
      scopes: ['console', 'console:act'],
      apps: '*',
      rate: null,
      reads: 0,
      reports: 0,
      refused: 0,
      last_used_at: at(-0.01),
      last_used_on: 'broker-6f9c-2',
      keys: [{ ...key('5b7e10c2f36d', -0.01, 95), kind: 'jwt' }],
    },
  ];
}

function history(app: string): HistoryEvent[] {
  const event = (minutes: number, changes: Partial<HistoryEvent>): HistoryEvent => ({
    id: `${Math.round(10_000_000 + minutes * 60)}-0`,
    at: at(minutes),
    app,
    replica: minutes % 2 < -1 ? 'broker-6f9c-2' : 'broker-6f9c-1',
    kind: 'rotated',
    generation: null,
    fingerprint: null,
    reason: null,
    caller: null,
    result: null,
    errcode: null,
    message: null,
    remedy: null,
    duration_ms: null,
    ...changes,
  });
  const rotations = Array.from({ length: 92 }, (_, index) =>
    event(-31 - index * 107, {
      generation: 5120 - index,
      fingerprint: `a${(719_283 + index * 7919).toString(16)}`,
      reason: 'scheduled',
      duration_ms: 96 + ((index * 37) % 80),
    }),
  );
  const busy = Array.from({ length: 7 }, (_, index) =>
    event(-3900 - index * 4, {
      kind: 'fetch_failed',
      errcode: -1,
      message: 'system error',
      remedy: 'WeChat is busy; nothing to do, the same call works again shortly.',
      duration_ms: 2010,
    }),
  );
  const refused = Array.from({ length: 3 }, (_, index) =>
    event(-7200 - index * 30, {
      kind: 'fetch_failed',
      errcode: 40164,
      message: WHITELIST.message,
      remedy: WHITELIST.remedy,
      duration_ms: 88,
    }),
  );
  return [
    event(-0.4, { kind: 'suspected', reason: 'reported', generation: 5120 }),
    event(-0.5, {
      kind: 'reported',
      caller: 'marketing',
      errcode: 40001,
      result: 'rotated',
      generation: 5120,
    }),
    ...rotations,
    event(-1333, { kind: 'died_early', generation: 5108 }),
    event(-1332, {
      kind: 'reported',
      caller: 'marketing',
      errcode: 40001,
      result: 'rotated',
      generation: 5108,
    }),
    event(-1331, { kind: 'healed', generation: 5109 }),
    event(-2600, {
      kind: 'forced',
      caller: 'ops',
      reason: 'AppSecret reset, ticket 4711',
      result: 'rotated',
      generation: 5096,
    }),
    ...busy,
    ...refused,
  ].sort((a, b) => (a.at < b.at ? 1 : -1));
}
