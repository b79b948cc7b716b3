import type { AppName, HeldToken } from '../../core/token.js';
import { secondsLeft, tokenView } from './token-view.js';

/** A whole 200 of GET /token, ready to be written. */
export interface TokenAnswer {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Kept extends TokenAnswer {
  readonly held: HeldToken;
  readonly secondsLeft: number;
}

/** Builds each app's answer once per token and second, however many callers ask. */
export class TokenAnswers {
  private readonly kept = new Map<AppName, Kept>();

  answer(app: AppName, held: HeldToken, nowMonoMs: number): TokenAnswer {
    const seconds = secondsLeft(held, nowMonoMs);
    const last = this.kept.get(app);
    if (last?.held === held && last.secondsLeft === seconds) return last;
    const body = JSON.stringify(tokenView(app, held, nowMonoMs));
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'content-length': String(Buffer.byteLength(body)),
    };
    const fresh = { held, secondsLeft: seconds, body, headers };
    this.kept.set(app, fresh);
    return fresh;
  }
}
