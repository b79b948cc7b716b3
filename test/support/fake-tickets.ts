import type { TicketBroker } from '../../src/core/ticket-broker.js';
import type { AppName, HeldToken } from '../../src/core/token.js';
import { heldToken } from './fake-broker.js';

/** Tickets as the HTTP edge sees them: gives what it was told to, and remembers what it was asked. */
export class FakeTickets implements Pick<TicketBroker, 'current' | 'cacheableMs' | 'types'> {
  readonly asked: string[] = [];
  answer: () => HeldToken = () => heldToken(5, 7_200_000);

  current(app: AppName, type: string): Promise<HeldToken> {
    this.asked.push(`${app} ${type}`);
    return Promise.resolve().then(this.answer);
  }

  /** Of every app. */
  kinds = ['jsapi', 'wx_card'];

  types(): string[] {
    return this.kinds;
  }

  cacheableMs(_app: AppName, _type: string, { deadlineMonoMs }: HeldToken): number {
    return deadlineMonoMs / 2;
  }
}
