import type { IssuanceRule } from '../../core/ports/token-issuer.js';
import type { Grant } from './wechat.section.js';

/** How long WeChat still takes a classic token after the next one, and in how much of a stable one's end the next one comes. */
const GRACE_MS = 300_000;

export const RULES: Readonly<Record<Grant, IssuanceRule>> = {
  stable: {
    repeats: { sameUntilMs: GRACE_MS },
    previous: 'stays_valid',
    renewsOnFetch: false,
    canForce: true,
  },
  classic: { repeats: 'never', previous: { graceMs: GRACE_MS }, renewsOnFetch: false, canForce: false },
};

/** The ticket comes back the same within two hours, and WeChat says two hours each time, however old it is. */
export const TICKET_RULE: IssuanceRule = {
  repeats: { sameUntilMs: 0 },
  previous: 'stays_valid',
  renewsOnFetch: true,
  canForce: false,
};
