import { createBroker, FakeIssuer, type BrokerFixture } from '../../test/support/create-broker.js';
import { settle } from '../../test/support/manual-clock.js';
import type { TicketDefinition } from './app-definition.js';
import type { AccessTokenSource, IssuanceRule } from './ports/token-issuer.js';
import { TicketBroker } from './ticket-broker.js';

const HOUR_MS = 3_600_000;
const REFRESH = { aheadMs: HOUR_MS, jitterMs: 60_000, forcedDailyBudget: 0, verifyReports: false };
/** The same one for two hours, and two hours are said each time, however old it is. */
const RULE: IssuanceRule = {
  repeats: { sameUntilMs: 0 },
  previous: 'stays_valid',
  renewsOnFetch: true,
  canForce: false,
};

describe('TicketBroker', () => {
  let fixture: BrokerFixture;
  let ticketIssuer: FakeIssuer;
  let tickets: TicketBroker;

  let issuerOf: TicketDefinition['issuer'];

  beforeEach(async () => {
    ticketIssuer = new FakeIssuer();
    ticketIssuer.rule = RULE;
    issuerOf = () => ticketIssuer;
    fixture = createBroker(
      {},
      {
        tickets: ['jsapi', 'wx_card'].map((type) => ({
          type,
          refresh: REFRESH,
          issuer: (source) => issuerOf(source),
        })),
      },
    );
    tickets = new TicketBroker(fixture.broker);
    await fixture.start();
  });

  const ask = async () => (await tickets.current('shop', 'jsapi')).record;

  /** With ticks far enough apart for a day's half, and close enough not to look like a pause. */
  const passHours = async (hours: number) => {
    for (let ms = 0; ms < hours * HOUR_MS; ms += 10_000) {
      await fixture.clock.advance(10_000);
      fixture.broker.runDue();
      await settle();
    }
  };

  it('does nothing before somebody asks', async () => {
    await passHours(1);
    expect(ticketIssuer.calls).toEqual([]);
    expect(fixture.broker.apps).toEqual(['shop']);
  });

  it('asks once for many, and for each type by itself', async () => {
    const asked = Array.from({ length: 100 }, () => tickets.current('shop', 'jsapi'));
    expect(new Set((await Promise.all(asked)).map(({ record }) => record.value))).toEqual(
      new Set(['token-1']),
    );
    expect((await tickets.current('shop', 'wx_card')).record.value).toBe('token-2');
    expect(ticketIssuer.calls).toHaveLength(2);
  });

  it('asks again every hour, and takes the same ticket with a full life for what it is', async () => {
    const first = await ask();
    ticketIssuer.next.push(...Array.from({ length: 50 }, () => ticketIssuer.again()));
    await passHours(12);
    expect(ticketIssuer.calls.length).toBeGreaterThanOrEqual(12);
    expect(ticketIssuer.calls.length).toBeLessThanOrEqual(14);
    const last = await ask();
    expect(last.value).toBe(first.value);
    expect(last.expiresAtMs).toBeGreaterThan(first.expiresAtMs + 10 * HOUR_MS);
  });

  it('says why there is no token rather than why there is no ticket', async () => {
    fixture = createBroker();
    tickets = new TicketBroker(fixture.broker);
    fixture.issuer.next.push(fixture.issuer.refuse(40164));
    await fixture.start();
    await expect(ask()).rejects.toMatchObject({ code: 'no_token_yet', errcode: 40164 });
    expect(ticketIssuer.calls).toEqual([]);
  });

  it('starts nothing after the end', async () => {
    await fixture.broker.stop();
    await expect(ask()).rejects.toMatchObject({ code: 'stopping' });
    expect(ticketIssuer.calls).toEqual([]);
  });

  it('knows the kinds of ticket that the platform of the app has, and no others', async () => {
    expect(tickets.types('shop')).toEqual(['jsapi', 'wx_card']);
    expect(() => tickets.types('blog')).toThrow('There is no app "blog"');
    await expect(tickets.current('shop', 'agent_config')).rejects.toMatchObject({ code: 'unknown_app' });
  });

  it('knows no tickets of other apps', async () => {
    await expect(tickets.current('blog', 'jsapi')).rejects.toMatchObject({ code: 'unknown_app' });
  });

  it('says for how long a ticket may be kept: nearly to its end, for rotations do not end it', async () => {
    const held = await tickets.current('shop', 'jsapi');
    expect(tickets.cacheableMs('shop', 'jsapi', held)).toBe(2 * HOUR_MS - 30_000);
  });

  it('gives its issuer the current token, and has a dead one replaced', async () => {
    let source: AccessTokenSource | undefined;
    issuerOf = (tokens) => {
      source = tokens;
      return ticketIssuer;
    };
    await ask();
    expect(await source?.current()).toBe('token-1');
    expect(await source?.replace('token-1', 40001)).toBe('token-2');
    expect(await source?.replace('token-1', 40001)).toBe('token-2');
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(fixture.emitted).toContainEqual(
      expect.objectContaining({ kind: 'reported', result: 'rotated', caller: 'broker:tickets' }),
    );
  });
});
