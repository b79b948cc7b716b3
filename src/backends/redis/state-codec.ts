import { dayOfUtc8 } from '../../core/renewal-policy.js';
import type { BackOff, StoreView } from '../../core/token-store.js';
import type { AppName, FetchReason, TokenRecord } from '../../core/token.js';
import type { ScriptReply } from './redis-scripts.js';
import type { TokenCipher } from './token-cipher.js';

const CLASSES: readonly BackOff['class'][] = [
  'busy',
  'minute_quota',
  'day_quota',
  'configuration',
  'unavailable',
];

type Fields = ReadonlyMap<string, string>;

/** A record as the scripts take it: generation, base, since, sealed value, issued_at, expires_at, owner, reason. */
export type RecordFields = readonly [number, number, number, string, number, number, string, string];

/** Between the fields of an app's hash in Redis and the words of the core. */
export class StateCodec {
  private readonly opened = new Map<AppName, { readonly sealed: string; readonly value: string | null }>();
  private readonly sealed = new WeakMap<TokenRecord, string>();

  constructor(
    private readonly cipher: TokenCipher,
    private readonly onUnreadable: (app: AppName) => void,
  ) {}

  view(app: AppName, [, nowMs, fence, state]: ScriptReply): StoreView {
    const fields = new Map<string, string>();
    for (let index = 0; index < state.length; index += 2) {
      fields.set(state[index] ?? '', state[index + 1] ?? '');
    }
    const intent = number(fields, 'intent');
    const isToday = number(fields, 'day') === dayOfUtc8(nowMs);
    return {
      record: this.record(app, fields),
      fence,
      suspect: number(fields, 'suspect'),
      rolledBack: number(fields, 'rolled_back'),
      intent: intent === 0 ? null : { fence: intent, atMs: number(fields, 'intent_at') },
      beganAtMs: number(fields, 'began_at'),
      backOff: backOff(fields),
      failures: number(fields, 'failures'),
      today: {
        fetches: isToday ? number(fields, 'fetches') : 0,
        forced: isToday ? number(fields, 'forced') : 0,
      },
      nowMs,
    };
  }

  /** Sealed once per record, however often it is sent. */
  fields(app: AppName, record: TokenRecord): RecordFields {
    const { generation, base, since, issuedAtMs, expiresAtMs, owner, reason } = record;
    const sealed = this.sealed.get(record) ?? this.cipher.seal(app, generation, record.value);
    this.sealed.set(record, sealed);
    return [generation, base, since, sealed, issuedAtMs, expiresAtMs, owner, reason];
  }

  private record(app: AppName, fields: Fields): TokenRecord | null {
    const generation = number(fields, 'generation');
    if (generation === 0) return null;
    const value = this.open(app, generation, fields.get('value') ?? '');
    if (value === null) return null;
    return {
      generation,
      base: number(fields, 'base'),
      since: number(fields, 'since') || generation,
      value,
      issuedAtMs: number(fields, 'issued_at'),
      expiresAtMs: number(fields, 'expires_at'),
      owner: fields.get('owner') ?? '',
      reason: fields.get('reason') as FetchReason,
    };
  }

  private open(app: AppName, generation: number, sealed: string): string | null {
    const last = this.opened.get(app);
    if (last?.sealed === sealed) return last.value;
    const value = this.cipher.open(app, generation, sealed);
    this.opened.set(app, { sealed, value });
    if (value === null) this.onUnreadable(app);
    return value;
  }
}

function backOff(fields: Fields): BackOff | null {
  if (!fields.has('wait_until') && !fields.has('wait_why')) return null;
  return {
    untilMs: number(fields, 'wait_until'),
    class: CLASSES.find((known) => known === fields.get('wait_class')) ?? 'unavailable',
    ...reason(fields.get('wait_why') ?? ''),
    atMs: number(fields, 'wait_at'),
  };
}

function reason(text: string): Pick<BackOff, 'errcode' | 'message'> {
  try {
    const { errcode, message } = JSON.parse(text) as { errcode?: unknown; message?: unknown };
    if (typeof message === 'string') {
      return { errcode: typeof errcode === 'number' ? errcode : null, message };
    }
  } catch {
    // As one without a message.
  }
  return { errcode: null, message: 'the reason in Redis cannot be read' };
}

/** As in prelude.lua: what cannot be read is as good as absent. */
function number(fields: Fields, name: string): number {
  const stored = Number(fields.get(name) ?? 0);
  return Math.abs(stored) <= Number.MAX_SAFE_INTEGER ? stored : 0;
}
