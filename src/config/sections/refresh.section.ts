import { Check, Flag, Optional, Seconds, WholeNumber } from '../constraints.js';

/** The lease has to outlive the slowest call by this much. */
const LEASE_MARGIN_SECONDS = 1;
/** WeChat's own quota of the stable grant, a day. */
const MAX_BUDGET = 500_000;

export class RefreshSection {
  /** The default depends on the grant. */
  @Optional()
  @Seconds()
  aheadSeconds?: number;

  @Seconds({ zero: true })
  jitterSeconds = 20;

  @WholeNumber(1, MAX_BUDGET)
  dailyBudget = 200;

  /** The default is 20, or all of a smaller `dailyBudget`. */
  @Optional()
  @WholeNumber(0, MAX_BUDGET)
  @Check(checkForced)
  forcedDailyBudget?: number;

  @Flag()
  verifyReports = true;

  @Seconds({ max: 3600 })
  upstreamTimeoutSeconds = 8;

  @Seconds({ max: 7200 })
  @Check(checkLease)
  leaseSeconds = 15;

  @Seconds({ max: 3600 })
  reconcileSeconds = 5;
}

function checkForced(forced: unknown, section: object): string | undefined {
  if (!(section instanceof RefreshSection) || typeof forced !== 'number') return undefined;
  const { dailyBudget } = section;
  return forced > dailyBudget
    ? `must be at most dailyBudget: ${forced} is more than ${dailyBudget}`
    : undefined;
}

function checkLease(lease: unknown, section: object): string | undefined {
  if (!(section instanceof RefreshSection) || typeof lease !== 'number') return undefined;
  const { upstreamTimeoutSeconds: timeout } = section;
  // Not "lease < timeout + margin": 0.1 + 1 is not 1.1 in floating point.
  if (typeof timeout !== 'number' || lease - timeout > LEASE_MARGIN_SECONDS - 1e-9) return undefined;
  return `must exceed upstreamTimeoutSeconds by at least ${LEASE_MARGIN_SECONDS}: ${lease} against ${timeout}; raise it or lower upstreamTimeoutSeconds`;
}
