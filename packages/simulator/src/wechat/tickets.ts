import { randomBytes } from 'node:crypto';

/** 86 characters of base64url, as live ones. */
const TICKET_BYTES = 64;

/**
 * JS-API and card tickets: one value per app and type within a window that begins at an even clock mark. Nothing about
 * access tokens changes them, and nobody ever asks whether an old one is still good.
 */
export class Tickets {
  readonly #issued = new Map<string, { readonly window: number; readonly value: string }>();

  constructor(private readonly windowMs: number) {}

  ticket(appId: string, type: string, nowMs: number): string {
    const key = `${appId} ${type}`;
    const window = Math.floor(nowMs / this.windowMs);
    const known = this.#issued.get(key);
    if (known?.window === window) return known.value;
    const value = randomBytes(TICKET_BYTES).toString('base64url');
    this.#issued.set(key, { window, value });
    return value;
  }
}
