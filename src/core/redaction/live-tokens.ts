import type { Redactor } from './redactor.js';
import type { AppName } from '../token.js';

/** The current token of an app, and those before it that a platform may still take. */
const MAX_TOKENS_OF_AN_APP = 3;

/** Has the redactor know tokens by value for as long as they may live. */
export class LiveTokens {
  private readonly values = new Map<AppName, string[]>();

  constructor(private readonly redactor: Redactor) {}

  add(app: AppName, value: string): void {
    const known = this.values.get(app) ?? [];
    if (known.includes(value)) return;
    this.redactor.add(value);
    const kept = [...known, value];
    while (kept.length > MAX_TOKENS_OF_AN_APP) this.redactor.forget(kept.shift() ?? '');
    this.values.set(app, kept);
  }
}
