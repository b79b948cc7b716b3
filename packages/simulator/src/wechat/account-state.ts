interface Consequences {
  /** errcode at the token endpoints, after the secret was found right. */
  readonly atTokenEndpoints?: number;
  /** errcode at the token endpoints where the caller's IP is checked: the flow in which the admin confirms it. */
  readonly atIpCheck?: number;
  /** errcode of business calls, after the token was found good. */
  readonly atBusinessCalls?: number;
}

/** What the platform can do to an account. A state lasts until another one is set, whatever time it names. */
export const ACCOUNT_STATES = {
  ok: {},
  secret_frozen: { atTokenEndpoints: 40243 },
  token_forbidden: { atTokenEndpoints: 50004 },
  frozen: { atTokenEndpoints: 50007, atBusinessCalls: 50002 },
  blocked: { atBusinessCalls: 50002 },
  admin_waiting: { atIpCheck: 89501 },
  admin_needed: { atIpCheck: 89503 },
  ip_blocked_for_a_day: { atIpCheck: 89506 },
  ip_blocked_for_an_hour: { atIpCheck: 89507 },
} as const satisfies Readonly<Record<string, Consequences>>;

export type AccountState = keyof typeof ACCOUNT_STATES;

export function consequencesOf(state: AccountState): Consequences {
  return ACCOUNT_STATES[state];
}
