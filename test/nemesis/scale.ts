/** Times of a nemesis run: those of production, 360 times shorter where a token lives and about 10 times elsewhere. */
export const LIFE_SECONDS = 20;
/** Longer than a failed fetch, its back-off (which is not scaled) and `2 × lease`, as in production. */
export const GRACE_SECONDS = 8;

/** Keys of `apps[].refresh`. */
export const REFRESH = {
  aheadSeconds: 7,
  jitterSeconds: 0.2,
  dailyBudget: 1000,
  forcedDailyBudget: 1000,
  upstreamTimeoutSeconds: 0.5,
  leaseSeconds: 1.5,
  reconcileSeconds: 1.5,
};

export const LEASE_MS = REFRESH.leaseSeconds * 1000;
export const RECONCILE_MS = REFRESH.reconcileSeconds * 1000;
/** Between two looks of a replica into the list of changes, at most. */
export const LOOK_MS = 1.25 * RECONCILE_MS;
/** So many apps are swept in that part of a replaced token's overlap in which production sweeps: 250 s of 300 s. */
export const SWEPT_APPS = 36;
/** Of them, each is read within this, whatever the list of changes says. */
export const SWEEP_MS = (LOOK_MS * SWEPT_APPS) / 10;
/** After the last fault, everything has recovered within this. */
export const CONVERGED_WITHIN_MS = 2 * (LEASE_MS + RECONCILE_MS);
/** A new token's way from the platform through the broker to every replica, on a busy machine. */
export const TRAVEL_MS = 500;
/** The same where Redis was away: a replica asks it again only after this. */
export const CUT_OFF_MS = TRAVEL_MS + 2500;
/** The longest time between two tries of a classic token that was found in the store, and a rotation's way. */
export const FOUND_TRY_PAUSE_MS = ((LIFE_SECONDS - REFRESH.aheadSeconds) / 2) * 1000 + TRAVEL_MS;
