import {
  ControlInputError,
  checkFields,
  isBoolean,
  isInteger,
  isNumber,
  isOneOf,
  isHeaders,
  isText,
  type FieldCheck,
} from './input-checks.js';

/** What goes wrong with a request, and with which. At most one of the effects; delays and the hold go with any. */
export interface FaultSpec {
  /** A path, `token-endpoints` (the default: both), or `*`. */
  readonly path?: string;
  /** Requests of this app only. */
  readonly appId?: string;
  /** How many requests it hits, 1; 0 or -1: all until it is removed. */
  readonly times?: number;
  /** The platform acts on the request only after this delay, also when the caller has hung up by then. */
  readonly delayBeforeMs?: number;
  /** The platform acts at once and answers after this delay. */
  readonly delayAfterMs?: number;
  /** As delayBeforeMs, until the fault is removed. */
  readonly holdUntilReleased?: true;
  /** Whether the platform acts on the request (mints, counts). Default: not for errcode, status, hang and reset before. */
  readonly mint?: boolean;

  // Effects
  /** A number where the platform has numbers, a word (`error`) at an OAuth 2 server. */
  readonly errcode?: number | string;
  /** With errcode: instead of the platform's own words. */
  readonly errmsg?: string;
  /** An HTTP status with a gateway's HTML page. */
  readonly status?: number;
  /** The connection is closed instead of an answer. */
  readonly dropReply?: true;
  /** The same with a TCP reset, before or after the platform has acted. */
  readonly reset?: 'before' | 'after';
  /** Never answered. */
  readonly hang?: true;
  /** The first half of the answer, properly ended. */
  readonly truncate?: true;
  /** `huge` is the true answer followed by 128 KiB of spaces. */
  readonly garbage?: 'html' | 'empty' | 'array' | 'huge';
  /** This JSON instead of the answer. */
  readonly body?: unknown;

  // With any effect that leaves an answer
  /** Instead of the platform's own; not with status, which has one. */
  readonly httpStatus?: number;
  /** Added to the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

const EFFECTS = ['errcode', 'status', 'hang', 'reset', 'dropReply', 'truncate', 'garbage', 'body'] as const;

export type Effect = (typeof EFFECTS)[number];

/** Those that leave no answer. */
const SILENT: readonly Effect[] = ['hang', 'reset', 'dropReply'];

const DELAYS = ['delayBeforeMs', 'delayAfterMs', 'holdUntilReleased'] as const;
const MAX_DELAY_MS = 3_600_000;
const FIELDS: Readonly<Record<Exclude<keyof FaultSpec, 'errcode'>, FieldCheck>> = {
  path: isText,
  appId: isText,
  times: isInteger(-1, 1_000_000),
  delayBeforeMs: isNumber(0, MAX_DELAY_MS),
  delayAfterMs: isNumber(0, MAX_DELAY_MS),
  holdUntilReleased: isOneOf(true),
  mint: isBoolean,
  errmsg: isText,
  status: isInteger(200, 599),
  dropReply: isOneOf(true),
  reset: isOneOf('before', 'after'),
  hang: isOneOf(true),
  truncate: isOneOf(true),
  garbage: isOneOf('html', 'empty', 'array', 'huge'),
  body: () => undefined,
  httpStatus: isInteger(200, 599),
  headers: isHeaders,
};

/**
 * Throws a ControlInputError that names the field at fault.
 *
 * @param isErrcode what the platform has for an errcode
 */
export function assertFault(value: unknown, isErrcode: FieldCheck): asserts value is FaultSpec {
  checkFields(value, { ...FIELDS, errcode: isErrcode });
  const effects = effectsOf(value);
  if (effects.length > 1) throw new ControlInputError(`${effects.join(', ')}: give only one of them`);
  if (effects.length === 0 && !DELAYS.some((name) => name in value)) {
    throw new ControlInputError(`body: names no fault; give one of ${[...DELAYS, ...EFFECTS].join(', ')}`);
  }
  if ('errmsg' in value && !('errcode' in value)) throw new ControlInputError('errmsg: needs errcode');
  const shaping = ['httpStatus', 'headers'].find((name) => name in value);
  const silent = effects.find((effect) => SILENT.includes(effect));
  if (shaping !== undefined && (silent ?? effects[0]) === undefined) {
    throw new ControlInputError(`${shaping}: needs one of ${EFFECTS.join(', ')}`);
  }
  if (shaping !== undefined && silent !== undefined) {
    throw new ControlInputError(`${shaping}: there is no answer with ${silent}`);
  }
  if ('httpStatus' in value && 'status' in value) {
    throw new ControlInputError('httpStatus, status: give only one of them');
  }
}

/** What the fault does to the answer; undefined when it only delays it. */
export function effectOf(fault: FaultSpec): Effect | undefined {
  return effectsOf(fault)[0];
}

/** Whether the platform acts on a request that the fault hits. */
export function platformActs(fault: FaultSpec): boolean {
  if (fault.mint !== undefined) return fault.mint;
  return !('errcode' in fault || 'status' in fault || 'hang' in fault || fault.reset === 'before');
}

function effectsOf(fault: object): Effect[] {
  return EFFECTS.filter((name) => name in fault);
}
