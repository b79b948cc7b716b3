import { Observer, type BrokerFact } from './ports/observer.js';

/** Tells several observers, in their order. */
export class Observers extends Observer {
  private readonly all: readonly Observer[];

  constructor(...all: readonly Observer[]) {
    super();
    this.all = all;
  }

  override notice(fact: BrokerFact): void {
    for (const observer of this.all) observer.notice(fact);
  }
}
