import { appState } from '../apps/apps.controller.js';
import { boolean, errorCode, integer, object, oneOf, text, time } from '../common/schema.js';
import { HISTORY_KINDS } from '../../core/ports/history.js';

/*
 * What /console/api answers. packages/console has the same as TypeScript, for the page; a test holds the two against each other.
 */

const textOrNull = { ...text, nullable: true } as const;
const timeOrNull = { ...time, nullable: true } as const;
const integerOrNull = { ...integer, nullable: true } as const;
const generation = { type: 'integer', nullable: true, format: 'int64' } as const;
const codeOrNull = { ...errorCode, nullable: true } as const;
const texts = { type: 'array', items: text } as const;

function listOf<const Item extends object>(items: Item) {
  return { type: 'array', items } as const;
}

export const sessionSchema = {
  title: 'ConsoleSession',
  ...object({
    client: text,
    can_act: { ...boolean, description: 'Whether it has the scope `console:act`.' },
    csrf: { ...text, description: 'Goes back as `x-csrf-token` with all that is no GET.' },
    expires_at: time,
    broker_version: text,
  }),
} as const;

export const rowSchema = {
  title: 'ConsoleApp',
  ...object({
    app: text,
    provider: text,
    type: textOrNull,
    grant: textOrNull,
    app_id: text,
    state: appState,
    suspect_reason: textOrNull,
    generation,
    issued_at: timeOrNull,
    expires_at: timeOrNull,
    next_refresh_at: timeOrNull,
    last_error: {
      nullable: true,
      ...object({ errcode: codeOrNull, message: text, remedy: text, at: time }),
    },
    fetches_today: integer,
    fetch_budget: integer,
    forced_today: integer,
    forced_budget: integerOrNull,
    disagreeing_replicas: {
      ...texts,
      description: 'Replicas that show another generation for longer than a rotation takes to arrive.',
    },
  }),
} as const;

export const rowsSchema = object({ items: listOf(rowSchema), next: textOrNull });

const counts = {
  nullable: true,
  ...object({ total: integer, failed: integer, last_at: timeOrNull }),
} as const;

const SNIPPETS = ['curl', 'node', 'java', 'go', 'php', 'python'] as const;

export const detailSchema = {
  title: 'ConsoleAppDetail',
  ...object({
    row: rowSchema,
    callers: listOf(
      object({
        client: text,
        reads: integer,
        reports: integer,
        last_read_at: timeOrNull,
        last_report_at: timeOrNull,
      }),
    ),
    login: counts,
    gateway: counts,
    snippets: listOf(object({ id: oneOf(...SNIPPETS), title: text, text })),
  }),
} as const;

export const eventSchema = {
  title: 'ConsoleEvent',
  ...object({
    id: text,
    at: time,
    app: text,
    replica: text,
    kind: oneOf(...HISTORY_KINDS),
    generation,
    fingerprint: { ...textOrNull, description: 'The first 8 digits of the SHA-256 of the token.' },
    reason: textOrNull,
    caller: textOrNull,
    result: textOrNull,
    errcode: codeOrNull,
    message: textOrNull,
    remedy: textOrNull,
    duration_ms: integerOrNull,
  }),
} as const;

export const historySchema = object({ events: listOf(eventSchema), next: textOrNull });

export const probeSchema = object({
  outcome: oneOf('alive', 'dead', 'unknown'),
  errcode: codeOrNull,
  message: textOrNull,
  remedy: textOrNull,
  duration_ms: integer,
});

export const forcedSchema = object({
  result: text,
  generation,
  message: textOrNull,
  remedy: textOrNull,
});

const lastUsedOn = {
  ...textOrNull,
  description: 'The replica that it was used on last, which may be gone.',
} as const;

export const callersSchema = object({
  items: listOf({
    title: 'ConsoleCaller',
    ...object({
      client: text,
      scopes: texts,
      apps: { oneOf: [texts, oneOf('*')] },
      rate: { nullable: true, ...object({ requests_per_second: integer, burst: integer }) },
      reads: {
        ...integer,
        description:
          'Tokens given, by all replicas since each started. Of a replica with more than several hundred clients, only those that it served last are counted.',
      },
      reports: { ...integer, description: 'Likewise.' },
      refused: { ...integer, description: 'Likewise: calls turned away.' },
      last_used_at: {
        ...timeOrNull,
        description: 'Over all replicas, those too that are gone, within 90 days.',
      },
      last_used_on: lastUsedOn,
      keys: listOf(
        object({
          id: { ...text, description: 'Of a key the first 8 digits of its SHA-256.' },
          kind: oneOf('key', 'jwt', 'certificate'),
          last_used_at: timeOrNull,
          last_used_on: lastUsedOn,
          uses: { ...integer, description: 'By all replicas since each started.' },
          expires_at: timeOrNull,
        }),
      ),
    }),
  } as const),
});

export const systemSchema = {
  title: 'ConsoleSystem',
  ...object({
    replica: { ...text, description: 'The one that answers.' },
    version: text,
    at: time,
    replicas: listOf(
      object({
        id: text,
        version: text,
        started_at: time,
        seen_at: time,
        is_gone: boolean,
        lag_ms: {
          ...integerOrNull,
          description: 'From the begin of the last fetch of another replica until its token was there.',
        },
        config_sha256: textOrNull,
      }),
    ),
    store: object({
      kind: oneOf('memory', 'redis'),
      ok: boolean,
      since: timeOrNull,
      message: textOrNull,
      remedy: textOrNull,
    }),
    platforms: listOf(
      object({
        host: text,
        ok: boolean,
        unreachable_from: { ...texts, description: 'Replicas whose last call got no answer.' },
        apps: integer,
        failing_apps: integer,
        message: textOrNull,
        remedy: textOrNull,
        last_answer_at: timeOrNull,
      }),
    ),
    config: object({
      loaded_at: time,
      sha256: textOrNull,
      ok: boolean,
      faults: texts,
      restart_required: texts,
    }),
  }),
} as const;
