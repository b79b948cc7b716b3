import { ACCOUNT_STATES, type AccountState } from './account-state.js';
import { checkEvent } from '../check-event.js';
import { isBoolean, isIpList, isOneOf, isText, type FieldCheck } from '../input-checks.js';
import type { Family } from './account.js';

/** What happens to the platform at once, as posted to the control API. Without `appId` it happens to the first app. */
export type SimulatorEvent =
  | ({ readonly kind: 'early_death' } & EarlyDeath)
  | ({ readonly kind: 'other_fetch' } & OtherFetch)
  | { readonly kind: 'reset_secret'; readonly appId?: string; readonly appSecret: string }
  | { readonly kind: 'set_ip_whitelist'; readonly appId?: string; readonly ips: readonly string[] | null }
  | { readonly kind: 'set_state'; readonly appId?: string; readonly state: AccountState }
  | { readonly kind: 'advance_day' };

/** A token dies before its time. */
export interface EarlyDeath {
  readonly appId?: string;
  /** The current token of this family; left out: of both. */
  readonly family?: Family;
  /** This very token. */
  readonly token?: string;
  /** The stable endpoint goes on handing out the dead token until it is due or a refresh is forced. */
  readonly sticky?: boolean;
}

/** Somebody else fetches with the same secret. */
export interface OtherFetch {
  readonly appId?: string;
  /** Default: classic. */
  readonly family?: Family;
  readonly force?: boolean;
}

const isFamily = isOneOf('classic', 'stable');

const FIELDS: Readonly<Record<SimulatorEvent['kind'], Readonly<Record<string, FieldCheck>>>> = {
  early_death: { appId: isText, family: isFamily, token: isText, sticky: isBoolean },
  other_fetch: { appId: isText, family: isFamily, force: isBoolean },
  reset_secret: { appId: isText, appSecret: isText },
  set_ip_whitelist: { appId: isText, ips: isIpList },
  set_state: { appId: isText, state: isOneOf(...Object.keys(ACCOUNT_STATES)) },
  advance_day: {},
};
const REQUIRED: Readonly<Partial<Record<SimulatorEvent['kind'], string>>> = {
  reset_secret: 'appSecret',
  set_ip_whitelist: 'ips',
  set_state: 'state',
};

/** Throws a ControlInputError that names the field at fault. */
export function assertEvent(value: unknown): asserts value is SimulatorEvent {
  checkEvent<SimulatorEvent>(value, FIELDS, REQUIRED);
}
