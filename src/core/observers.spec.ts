import type { BrokerFact } from './ports/observer.js';
import { Observers } from './observers.js';

it('Observers tells each of them, in their order', () => {
  const told: [string, BrokerFact][] = [];
  const listener = (name: string) => ({ notice: (fact: BrokerFact) => void told.push([name, fact]) });
  const fact: BrokerFact = { app: 'shop', kind: 'store_available' };
  new Observers(listener('first'), listener('second')).notice(fact);
  expect(told).toEqual([
    ['first', fact],
    ['second', fact],
  ]);
});
