/** Of older codes nothing is known any more; they are refused like any unknown one. */
const REMEMBERED = 100_000;

/** What a code was made for. `Grant`: whatever the exchange has to know of the consent. */
interface Minted<Grant> {
  readonly appId: string;
  readonly grant: Grant;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** Why a code is worth nothing. `foreign`: it was made for another app. */
export type CodeFault = 'unknown' | 'foreign' | 'used' | 'expired';

/** A code as the oracle tells it: made by the platform, or only ever seen in a request. Times are epoch ms. */
export interface CodeReport {
  readonly code: string;
  /** Null for one that the platform never made, and so are the times. */
  readonly app_id: string | null;
  readonly issued_at: number | null;
  readonly expires_at: number | null;
  /** How often it arrived at the platform, faults included: 1 at most for a client that spends codes once. */
  readonly sent: number;
  /** When the platform first looked at it; it is spent from then on. */
  readonly spent_at: number | null;
}

interface Entry<Grant> {
  minted?: Minted<Grant>;
  sent: number;
  spentAtMs?: number;
}

/** Every code that was made or seen. Looking at one spends it, whatever comes of it. */
export class CodeBook<Grant> {
  readonly #codes = new Map<string, Entry<Grant>>();

  constructor(
    private readonly newValue: () => string,
    private readonly lifeMs: number,
  ) {}

  mint(appId: string, grant: Grant, nowMs: number): string {
    const code = this.newValue();
    this.#entry(code).minted = { appId, grant, issuedAtMs: nowMs, expiresAtMs: nowMs + this.lifeMs };
    return code;
  }

  /** A request with it has arrived. */
  arrived(code: string): void {
    this.#entry(code).sent++;
  }

  /** What it was made for, or why it is no good; it is spent in either case. */
  spend(
    code: string,
    appId: string,
    nowMs: number,
  ): { readonly grant: Grant } | { readonly fault: CodeFault } {
    const entry = this.#entry(code);
    const { minted, spentAtMs } = entry;
    entry.spentAtMs ??= nowMs;
    if (spentAtMs !== undefined) return { fault: 'used' };
    if (!minted) return { fault: 'unknown' };
    if (minted.appId !== appId) return { fault: 'foreign' };
    return nowMs < minted.expiresAtMs ? { grant: minted.grant } : { fault: 'expired' };
  }

  /** In the order in which they were made or first seen. */
  list(appId?: string): CodeReport[] {
    return [...this.#codes]
      .map(([code, { minted, sent, spentAtMs }]) => ({
        code,
        app_id: minted?.appId ?? null,
        issued_at: minted?.issuedAtMs ?? null,
        expires_at: minted?.expiresAtMs ?? null,
        sent,
        spent_at: spentAtMs ?? null,
      }))
      .filter(({ app_id }) => (appId ?? app_id) === app_id);
  }

  #entry(code: string): Entry<Grant> {
    const known = this.#codes.get(code);
    if (known) return known;
    const entry: Entry<Grant> = { sent: 0 };
    this.#codes.set(code, entry);
    for (const oldest of this.#codes.keys()) {
      if (this.#codes.size <= REMEMBERED) break;
      this.#codes.delete(oldest);
    }
    return entry;
  }
}
