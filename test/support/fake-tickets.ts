import type { TicketBroker, TicketType } from '../../src/core/ticket-broker.js';
import type { AppName, HeldToken } from '../../src/core/token.js';
import { heldToken } from './fake-broker.js';

/** Tickets as the HTTP edge sees them: gives what it was told to, and remembers what it was asked. */
export class FakeTickets implements Pick<TicketBroker, 'current' | 'cacheableMs'> {
  readonly asked: string[] = [];
  answer: () => HeldToken = () => heldToken(5, 7_200_000);

  current(app: AppName, type: TicketType): Promise<HeldToken> {
    this.asked.push(`${app} ${type}`);
    return Promise.resolve().then(this.answer);
  }

  cacheableMs(_app: AppName, _type: TicketType, { deadlineMonoMs }: HeldToken): number {
    return deadlineMonoMs / 2;
  }
}
