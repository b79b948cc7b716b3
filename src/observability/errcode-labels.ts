import type { ErrorCode } from '../core/error-code.js';

/** A platform has some hundred errcodes; one that invents them must not fill the memory of whoever counts them. */
export const MAX_ERRCODES = 200;

/** The values of a label `errcode`: as many as there are room for, and `other` for all that come later. */
export class ErrcodeLabels {
  private readonly known: Set<ErrorCode>;

  /** @param errcodes always have a value of their own */
  constructor(errcodes: Iterable<ErrorCode> = []) {
    this.known = new Set(errcodes);
  }

  labelOf(errcode: ErrorCode): string {
    if (this.known.size < MAX_ERRCODES) this.known.add(errcode);
    return this.known.has(errcode) ? String(errcode) : 'other';
  }
}
