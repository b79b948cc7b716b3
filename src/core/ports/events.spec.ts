import { EventSinks, type BrokerEvent } from './events.js';

it('EventSinks tells each of them, in their order', () => {
  const told: [string, BrokerEvent][] = [];
  const listener = (name: string) => ({ emit: (event: BrokerEvent) => void told.push([name, event]) });
  const event: BrokerEvent = { app: 'shop', kind: 'store_available' };
  new EventSinks(listener('first'), listener('second')).emit(event);
  expect(told).toEqual([
    ['first', event],
    ['second', event],
  ]);
});
