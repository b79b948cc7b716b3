import fc from 'fast-check';
import {
  createBroker,
  FakeIssuer,
  LIFE_MS,
  REFRESH,
  type BrokerFixture,
} from '../../test/support/create-broker.js';
import { settle } from '../../test/support/manual-clock.js';
import type { AppDefinition, RefreshSettings } from './app-definition.js';
import { AppSecrets } from './app-secrets.js';
import type { TokenBroker } from './broker.js';
import { TicketBroker } from './ticket-broker.js';

/** Of all that it keeps, tickets too. */
const namesOf = (broker: TokenBroker): readonly string[] => [...broker.statuses()].map(({ app }) => app);

describe('a broker whose apps change while it runs', () => {
  let fixture: BrokerFixture;
  let ticketIssuer: FakeIssuer;

  beforeEach(async () => {
    ticketIssuer = new FakeIssuer();
    const tickets = [{ type: 'jsapi', refresh: { jitterMs: 0 }, issuer: () => ticketIssuer }];
    fixture = createBroker({}, { tickets });
    await fixture.start();
  });

  /** As a file that is read again says it: another object each time. */
  const appNamed = (name: string, changes: Partial<AppDefinition> = {}): AppDefinition => ({
    ...fixture.app,
    name,
    secrets: new AppSecrets('first-secret'),
    refresh: { ...REFRESH },
    ...changes,
  });
  const shopWith = (refresh: Partial<RefreshSettings>): AppDefinition =>
    appNamed('shop', { refresh: { ...REFRESH, ...refresh } });

  describe('an app that stays', () => {
    it('keeps its token, and is renewed by the new times', async () => {
      const before = fixture.broker.held('shop');
      expect(fixture.broker.configure([shopWith({ aheadMs: 3_000_000, jitterMs: 0 })])).toEqual(new Set());
      expect(fixture.broker.held('shop')).toBe(before);
      await fixture.run(LIFE_MS - 3_000_000 - 1000);
      expect(fixture.issuer.calls).toHaveLength(1);
      await fixture.run(2000);
      expect(fixture.issuer.calls).toHaveLength(2);
    });

    it('hands the new settings on to its tickets, but for what tickets have of their own', async () => {
      await new TicketBroker(fixture.broker).current('shop', 'jsapi');
      const [ticket = ''] = namesOf(fixture.broker).filter((name) => name !== 'shop');
      const definition = fixture.broker.definition(ticket) as AppDefinition;
      fixture.broker.configure([shopWith({ upstreamTimeoutMs: 1234, jitterMs: 5 })]);
      expect(definition.refresh).toMatchObject({ upstreamTimeoutMs: 1234, jitterMs: 0 });
      expect(ticketIssuer.calls).toHaveLength(1);
    });

    it('keeps those that follow its token', async () => {
      const seen: string[] = [];
      fixture.broker.subscribe('shop', ({ record }) => seen.push(record.value));
      fixture.broker.configure([shopWith({ reconcileMs: 4000 }), appNamed('blog')]);
      await fixture.broker.report('shop', { caller: 'orders', force: true });
      expect(seen).toEqual(['token-2']);
    });
  });

  describe('an app that goes', () => {
    it('is unknown at once, is not fetched any more, and its tickets are gone with it', async () => {
      await new TicketBroker(fixture.broker).current('shop', 'jsapi');
      expect(fixture.broker.configure([appNamed('blog')])).toEqual(new Set(['shop']));
      await settle();
      expect(namesOf(fixture.broker)).toEqual(['blog']);
      expect(fixture.broker.held('shop')).toBeUndefined();
      await expect(fixture.broker.current('shop')).rejects.toMatchObject({ code: 'unknown_app' });
      expect(() => fixture.broker.status('shop')).toThrow('There is no app "shop"');
      await fixture.run(1000);
      const { length } = fixture.issuer.calls;
      await fixture.run(60_000);
      expect(fixture.issuer.calls).toHaveLength(length);
    });

    it('has the fetch that is under way stored, and then expires what is stored', async () => {
      const steps: string[] = [];
      const { store } = fixture;
      const [commit, expire] = [store.commit.bind(store), store.expire.bind(store)];
      store.commit = async (app, request) => {
        steps.push(`commit ${request.value}`);
        return commit(app, request);
      };
      store.expire = async (app) => {
        steps.push(`expire ${app.name}`);
        await expire(app);
      };
      const answer = fixture.issuer.later();
      fixture.issuer.next.push(answer.outcome);
      const report = fixture.broker.report('shop', { caller: 'orders', force: true }).catch(() => undefined);
      await settle();
      fixture.broker.configure([appNamed('blog')]);
      await settle();
      expect(steps.filter((step) => step.startsWith('expire'))).toEqual([]);
      answer.answer({ kind: 'issued', value: 'late', expiresInSeconds: 7200 });
      await report;
      await settle();
      expect(steps.slice(-2)).toEqual(['commit late', 'expire shop']);
    });

    it('holds a stop up until its fetch has ended', async () => {
      const answer = fixture.issuer.later();
      fixture.issuer.next.push(answer.outcome);
      void fixture.broker.report('shop', { caller: 'orders', force: true }).catch(() => undefined);
      await settle();
      fixture.broker.configure([]);
      let isStopped = false;
      const stopping = fixture.broker.stop().then(() => {
        isStopped = true;
      });
      await settle();
      expect(isStopped).toBe(false);
      answer.answer(fixture.issuer.mint());
      await stopping;
    });
  });

  describe('an app that is added', () => {
    it('has what is stored, at once and without a fetch', async () => {
      fixture.broker.configure([]);
      await settle();
      const sibling = fixture.sibling();
      await sibling.start();
      const { record } = await sibling.current('shop');
      const { length } = fixture.issuer.calls;
      fixture.issuer.probeOutcome = 'accepted';
      fixture.broker.configure([appNamed('shop')]);
      await settle();
      expect(fixture.broker.status('shop').generation).toBe(record.generation);
      await fixture.run(250);
      expect(fixture.broker.held('shop')?.record.value).toBe(record.value);
      await fixture.run(10_000);
      expect(fixture.issuer.calls).toHaveLength(length);
    });

    it('is fetched once if nothing is stored, heard of by who follows all, and readiness does not fall', async () => {
      const heard: string[] = [];
      fixture.broker.subscribeAll((app) => heard.push(app));
      expect(fixture.broker.isReady).toBe(true);
      fixture.broker.configure([appNamed('shop'), appNamed('blog')]);
      expect(fixture.broker.isReady).toBe(true);
      await fixture.run(1000);
      expect(fixture.broker.held('blog')?.record.value).toBe('token-2');
      expect(heard).toEqual(['blog']);
      expect(fixture.issuer.calls).toHaveLength(2);
    });
  });

  it.each<[string, Partial<AppDefinition>]>([
    ['appId', { appId: 'wxfedcba9876543210' }],
    ['grant', { grant: 'classic' }],
    ['type', { type: 'mini_program' }],
    ['host', { host: 'api2.example.com' }],
  ])('takes the same name with another %s for another app', async (_what, changes) => {
    const before = fixture.broker.held('shop');
    expect(fixture.broker.configure([appNamed('shop', changes)])).toEqual(new Set(['shop']));
    expect(fixture.broker.held('shop')).toBeUndefined();
    await fixture.run(1000);
    expect(fixture.broker.held('shop')).not.toBe(before);
    expect(fixture.broker.definition('shop')).toMatchObject(changes);
    expect(fixture.broker.apps).toEqual(['shop']);
  });

  describe('an app that is replaced by one with another API host', () => {
    it('is found by the living token, also once the fetch of the old one has ended', async () => {
      const { value } = (await fixture.broker.current('shop')).record;
      fixture.issuer.probeOutcome = 'accepted';
      const answer = fixture.issuer.later();
      fixture.issuer.next.push(answer.outcome);
      void fixture.broker.report('shop', { caller: 'orders', force: true }).catch(() => undefined);
      await settle();
      expect(fixture.broker.configure([appNamed('shop', { host: 'api2.example.com' })])).toEqual(
        new Set(['shop']),
      );
      await settle();
      expect(fixture.broker.appOf(value)).toBe('shop');
      answer.answer({ kind: 'refused', errcode: -1, message: 'system error' });
      await settle();
      expect(fixture.broker.appOf(value)).toBe('shop');
    });

    it('is told of once, also by who is in the middle of all of them', () => {
      fixture.broker.configure([appNamed('shop'), appNamed('blog')]);
      const seen: string[] = [];
      for (const { app } of fixture.broker.statuses()) {
        seen.push(app);
        if (seen.length === 1) {
          fixture.broker.configure([appNamed('shop', { host: 'api2.example.com' }), appNamed('blog')]);
        }
      }
      expect(seen).toEqual(['shop', 'blog']);
    });
  });

  it('keeps an app that has no token, and one that gets one', async () => {
    const { provider, appId } = fixture.app;
    const website = { name: 'web', provider, appId, type: 'website', secrets: new AppSecrets('s') } as const;
    fixture.broker.configure([website]);
    await expect(fixture.broker.current('web')).rejects.toMatchObject({ code: 'no_token_for_app_type' });
    expect(fixture.broker.configure([{ ...website, secrets: new AppSecrets('s') }])).toEqual(new Set());
    expect(fixture.broker.configure([appNamed('web')])).toEqual(new Set(['web']));
    await fixture.run(1000);
    expect(fixture.broker.held('web')).toBeDefined();
  });

  it('takes a new AppSecret of an app that has no token, and says when it cannot be read', async () => {
    const { provider, appId } = fixture.app;
    const secrets = new AppSecrets('first');
    fixture.broker.configure([{ name: 'web', provider, appId, type: 'website', secrets }]);
    await fixture.broker.changeSecret('web', 'second');
    expect(secrets.current).toBe('second');
    expect(fixture.broker.status('web')).toMatchObject({ app: 'web', state: 'ok', lastError: null });
    fixture.broker.secretCouldNotBeRead('web', 'cannot read /run/web');
    expect(fixture.broker.status('web').lastError?.message).toContain('cannot read /run/web');
    fixture.broker.secretCouldNotBeRead('web', null);
    expect(fixture.broker.status('web').lastError).toBeNull();
  });

  it('serves the apps of the last list, in its order, after any sequence of lists', async () => {
    const lists = fc.array(
      fc.uniqueArray(
        fc.record({ name: fc.constantFrom('shop', 'blog', 'mail'), account: fc.constantFrom('1', '2') }),
        { selector: ({ name }) => name, maxLength: 3 },
      ),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(lists, async (sequence) => {
        const another = createBroker();
        const { broker } = another;
        await broker.start();
        for (const list of sequence) {
          broker.configure(list.map(({ name, account }) => appNamed(name, { appId: `wx${account}` })));
          await another.run(250);
        }
        const last = sequence.at(-1) ?? [];
        expect(broker.apps).toEqual(last.map(({ name }) => name));
        expect(new Set(namesOf(broker))).toEqual(new Set(broker.apps));
        await another.run(1000);
        for (const { name, account } of last) {
          expect(broker.definition(name)).toMatchObject({ appId: `wx${account}` });
          expect(broker.held(name)).toBeDefined();
        }
        await broker.stop();
      }),
      { numRuns: 30 },
    );
  });
});
