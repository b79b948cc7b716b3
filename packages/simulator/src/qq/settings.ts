import { ControlInputError, isOneOf, numberOption } from '../input-checks.js';
import { steadyNow } from '../time.js';

export interface SimulatedQqApp {
  readonly appId: string;
  readonly appKey: string;
  /** The callbacks that are registered; left out: all. */
  readonly redirectUris?: readonly string[] | undefined;
  /** The platform tells it unionids: yes. Else 100048. */
  readonly unionidAllowed?: boolean | undefined;
}

/** Times in seconds take fractions. */
export interface QqOptions {
  /** Default: one, `DEFAULT_QQ_APP`. */
  readonly apps?: readonly SimulatedQqApp[] | undefined;
  /** Life of a user's token, 7776000 (90 days); at least 1. */
  readonly expiresInSeconds?: number | undefined;
  /** Life of a code, 600 while tokens live 90 days; scaled with expiresInSeconds. */
  readonly codeLifeSeconds?: number | undefined;
  /** What of a callback has to be as registered: all of it, or its host alone. */
  readonly redirectMatch?: 'exact' | 'host' | undefined;
  /** What a refusal leads to: back with `usercancel`, or the window is closed and the app hears nothing. */
  readonly refusal?: 'redirect' | 'close' | undefined;
  /** How an error goes back to the callback: `error` and `error_description`, or in the older way `code` and `msg`. */
  readonly errorsBack?: 'error' | 'code' | undefined;
  /** `expires_in` with `fmt=json`: a text. */
  readonly jsonLife?: 'text' | 'number' | undefined;
  /** Milliseconds since the Unix epoch; must not go back. Injected delays run on real timers whatever it says. */
  readonly now?: (() => number) | undefined;
}

export interface QqSettings {
  readonly apps: readonly SimulatedQqApp[];
  readonly lifeMs: number;
  readonly codeLifeMs: number;
  readonly redirectMatch: 'exact' | 'host';
  readonly refusal: 'redirect' | 'close';
  readonly errorsBack: 'error' | 'code';
  readonly jsonLife: 'text' | 'number';
  readonly now: () => number;
}

/** Belongs to nobody; any caller of a simulator with default settings may use it. */
export const DEFAULT_QQ_APP: SimulatedQqApp = {
  appId: '101234567',
  appKey: '7d0f3b9c5e1a4826af71c0d94be358f2',
};

const USUAL_LIFE_SECONDS = 7_776_000;
const CODE_SECONDS = 600;

const CHOICES = {
  redirectMatch: isOneOf('exact', 'host'),
  refusal: isOneOf('redirect', 'close'),
  errorsBack: isOneOf('error', 'code'),
  jsonLife: isOneOf('text', 'number'),
} as const;

/** Fills in what is left out. Throws a ControlInputError that names the first option at fault. */
export function settingsFrom(options: QqOptions): QqSettings {
  for (const [name, check] of Object.entries(CHOICES)) {
    const value = options[name as keyof typeof CHOICES];
    const complaint = value === undefined ? undefined : check(value);
    if (complaint) throw new ControlInputError(`${name}: ${complaint}`);
  }
  if (options.apps?.length === 0) throw new ControlInputError('apps: must name at least one app');
  const lifeSeconds = numberOption(options, 'expiresInSeconds', USUAL_LIFE_SECONDS, 1);
  const codeSeconds = (CODE_SECONDS * lifeSeconds) / USUAL_LIFE_SECONDS;
  return {
    apps: options.apps ?? [DEFAULT_QQ_APP],
    lifeMs: lifeSeconds * 1000,
    codeLifeMs: numberOption(options, 'codeLifeSeconds', codeSeconds) * 1000,
    redirectMatch: options.redirectMatch ?? 'exact',
    refusal: options.refusal ?? 'redirect',
    errorsBack: options.errorsBack ?? 'error',
    jsonLife: options.jsonLife ?? 'text',
    now: options.now ?? steadyNow,
  };
}
