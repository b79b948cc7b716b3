import { ControlInputError, isOneOf, numberOption } from '../input-checks.js';
import { steadyNow } from '../time.js';

/**
 * What a fetch does, which RFC 6749 leaves open. `independent`: a new token, all live out their time. `replaces`: a new
 * one, the one before has the overlap left and older ones none. `repeats`: the same one until so long before its end, then
 * a new one while the old lives on. `renews`: the same one, whose life begins again.
 */
export type Issuance = 'independent' | 'replaces' | 'repeats' | 'renews';

export type ClientAuthentication = 'client_secret_basic' | 'client_secret_post';

export interface SimulatedClient {
  readonly clientId: string;
  readonly clientSecret: string;
  /** What it may ask for, and gets if it asks for nothing; left out: anything. */
  readonly scopes?: readonly string[] | undefined;
}

export interface Oauth2Options {
  /** Default: one, `DEFAULT_CLIENT`. */
  readonly clients?: readonly SimulatedClient[] | undefined;
  /** The ways of client authentication that are accepted: both. */
  readonly authentication?: ClientAuthentication | 'both' | undefined;
  /** Of the token endpoint: /oauth2/token. */
  readonly tokenPath?: string | undefined;
  readonly issuance?: Issuance | undefined;
  /** Life of a token, 3600; at least 1. */
  readonly expiresInSeconds?: number | undefined;
  /** `replaces`: what the token before has left, 300 at most. */
  readonly overlapSeconds?: number | undefined;
  /** `repeats`: how long before its end the same token comes no more, 0: not before it has expired. */
  readonly freshWithinSeconds?: number | undefined;
  /** How `expires_in` is sent: as a number. */
  readonly lifeAs?: 'number' | 'text' | 'missing' | undefined;
  /** Bearer. */
  readonly tokenType?: string | undefined;
  /** `repeats` and `renews`: what comes after a token died before its time, a new one or the dead one until its expiry. */
  readonly afterEarlyDeath?: 'new' | 'same' | undefined;
  /** The status of errors: 400 and 401 as the RFC says, or 200. */
  readonly errorStatus?: 'rfc' | 200 | undefined;
  /** Parameters without which there is no token (`audience`, `resource`, …), with their values. */
  readonly requiredParameters?: Readonly<Record<string, string>> | undefined;
  /** Fetches of a client in a minute; no limit. Beyond it, 429 with Retry-After. */
  readonly minuteQuota?: number | undefined;
  /** Answers carry a refresh_token, which has no place there: no. */
  readonly withRefreshToken?: boolean | undefined;
  /** Milliseconds since the Unix epoch; must not go back. Injected delays run on real timers whatever it says. */
  readonly now?: (() => number) | undefined;
}

export interface Oauth2Settings {
  readonly clients: readonly SimulatedClient[];
  readonly authentication: ClientAuthentication | 'both';
  readonly tokenPath: string;
  readonly issuance: Issuance;
  readonly lifeMs: number;
  readonly overlapMs: number;
  readonly freshWithinMs: number;
  readonly lifeAs: 'number' | 'text' | 'missing';
  readonly tokenType: string;
  readonly afterEarlyDeath: 'new' | 'same';
  readonly errorStatus: 'rfc' | 200;
  readonly requiredParameters: Readonly<Record<string, string>>;
  readonly minuteQuota: number;
  readonly withRefreshToken: boolean;
  readonly now: () => number;
}

/** Belongs to nobody. The secret has characters that differ once they are form-urlencoded, as Basic wants them. */
export const DEFAULT_CLIENT: SimulatedClient = {
  clientId: 'billing-service',
  clientSecret: 'p+4: %T/q&w=9ü!x7Zs2',
};

const CHOICES = {
  authentication: isOneOf('client_secret_basic', 'client_secret_post', 'both'),
  issuance: isOneOf('independent', 'replaces', 'repeats', 'renews'),
  lifeAs: isOneOf('number', 'text', 'missing'),
  afterEarlyDeath: isOneOf('new', 'same'),
  errorStatus: isOneOf('rfc', 200),
} as const;

/** Fills in what is left out. Throws a ControlInputError that names the first option at fault. */
export function settingsFrom(options: Oauth2Options): Oauth2Settings {
  for (const [name, check] of Object.entries(CHOICES)) {
    const value = options[name as keyof typeof CHOICES];
    const complaint = value === undefined ? undefined : check(value);
    if (complaint) throw new ControlInputError(`${name}: ${complaint}`);
  }
  if (options.clients?.length === 0) throw new ControlInputError('clients: must name at least one client');
  const lifeSeconds = numberOption(options, 'expiresInSeconds', 3600, 1);
  return {
    clients: options.clients ?? [DEFAULT_CLIENT],
    authentication: options.authentication ?? 'both',
    tokenPath: options.tokenPath ?? '/oauth2/token',
    issuance: options.issuance ?? 'independent',
    lifeMs: lifeSeconds * 1000,
    overlapMs: numberOption(options, 'overlapSeconds', Math.min(300, lifeSeconds / 10)) * 1000,
    freshWithinMs: numberOption(options, 'freshWithinSeconds', 0) * 1000,
    lifeAs: options.lifeAs ?? 'number',
    tokenType: options.tokenType ?? 'Bearer',
    afterEarlyDeath: options.afterEarlyDeath ?? 'new',
    errorStatus: options.errorStatus ?? 'rfc',
    requiredParameters: options.requiredParameters ?? {},
    minuteQuota: numberOption(options, 'minuteQuota', Number.POSITIVE_INFINITY),
    withRefreshToken: options.withRefreshToken ?? false,
    now: options.now ?? steadyNow,
  };
}
