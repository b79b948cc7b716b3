import { randomBytes } from 'node:crypto';
import { createBroker } from '../../../test/support/create-broker.js';
import { settle } from '../../../test/support/manual-clock.js';
import { LiveTokens, Redactor } from './redactor.js';

const newToken = () => randomBytes(30).toString('base64url');

describe('LiveTokens', () => {
  it('hides the last three tokens of each app, and forgets those before', () => {
    const redactor = new Redactor();
    const live = new LiveTokens(redactor);
    const tokens = Array.from({ length: 5 }, newToken);
    const other = newToken();
    for (const token of tokens) live.add('shop', token);
    for (let again = 0; again < 5; again += 1) live.add('blog', other);
    const hidden = (token: string) => redactor.redact(`token=${token}`) === 'token=[redacted]';
    expect(tokens.map(hidden)).toEqual([false, false, true, true, true]);
    expect(hidden(other)).toBe(true);
  });

  it('hides a token that two apps have until neither has it', () => {
    const redactor = new Redactor();
    const live = new LiveTokens(redactor);
    const shared = newToken();
    const rotate = (app: string) => {
      for (let turn = 0; turn < 3; turn += 1) live.add(app, newToken());
    };
    live.add('shop', shared);
    live.add('blog', shared);
    rotate('shop');
    expect(redactor.redact(shared)).toBe('[redacted]');
    rotate('blog');
    expect(redactor.redact(shared)).toBe(shared);
  });

  it('is told of every token that a broker holds, fetched or taken over, and of what it keeps besides', async () => {
    const fixture = createBroker();
    const seen: string[] = [];
    const brokers = [fixture.broker, fixture.sibling()];
    for (const [index, broker] of brokers.entries()) {
      broker.subscribeAll((app, { record }) => seen.push(`${String(index)} ${app} ${record.value}`));
    }
    await fixture.start();
    await brokers[1]?.start();
    fixture.broker.register({ ...fixture.app, name: 'shop/jsapi' });
    const ticket = await fixture.broker.current('shop/jsapi');
    await settle();
    const token = fixture.broker.held('shop')?.record.value ?? '';
    expect(seen.toSorted()).toEqual(
      [`0 shop ${token}`, `0 shop/jsapi ${ticket.record.value}`, `1 shop ${token}`].toSorted(),
    );
  });

  it('costs a line no more with a thousand tokens than with three', () => {
    const line = JSON.stringify({ event: 'token.rotated', app: 'shop', text: 'x'.repeat(400) });
    const timeWith = (apps: number) => {
      const redactor = new Redactor();
      const live = new LiveTokens(redactor);
      for (let app = 0; app < apps; app += 1)
        for (let i = 0; i < 3; i += 1) live.add(String(app), newToken());
      const rounds = Array.from({ length: 5 }, () => {
        const startMs = performance.now();
        for (let i = 0; i < 200; i += 1) redactor.redact(line);
        return performance.now() - startMs;
      });
      return Math.min(...rounds);
    };
    expect(timeWith(300)).toBeLessThan(10 * timeWith(1) + 20);
  });
});
