import type { AppName, HeldToken } from '../../core/token.js';
import { tokenView } from './token-view.js';

/** A token as a server-sent event, as text. It counts down from `nowMonoMs`, so it is made when it is sent. */
export function tokenEvent(app: AppName, held: HeldToken, nowMonoMs: number): string {
  const data = JSON.stringify(tokenView(app, held, nowMonoMs));
  return `event: token\nid: ${held.record.generation}\ndata: ${data}\n\n`;
}
