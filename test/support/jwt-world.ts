import type { IncomingMessage } from 'node:http';
import { Callers, type CallerSettings } from '../../src/api/auth/callers.js';
import { FakeIdentityObserver } from './fake-identity-observer.js';
import { JwtIssuerServer } from './jwt-issuer.js';
import { ManualClock } from './manual-clock.js';

type SignArguments = Parameters<JwtIssuerServer['sign']> extends [number, ...infer Rest] ? Rest : never;

export const aMoment = () => new Promise((resolve) => setTimeout(resolve, 1));

/** An issuer of JWTs, and callers who are known by them. One issuer for each test file; the rest is new for each test. */
class JwtWorld {
  server!: JwtIssuerServer;
  clock!: ManualClock;
  observer!: FakeIdentityObserver;
  callers!: Callers;

  readonly client = (name: string, sub: string): CallerSettings['clients'][number] => ({
    name,
    apps: '*',
    scopes: ['token:read'],
    subjects: [{ issuer: this.server.issuer, sub }],
  });

  /** Resolves when the keys were asked for. */
  readonly start = async (): Promise<void> => {
    const told = () => this.observer.read.length + this.observer.unavailable.length;
    const before = told();
    this.callers = new Callers(
      {
        clients: [this.client('orders', 'orders'), this.client('pods', 'system:serviceaccount:shop:orders')],
        issuers: [this.server.section()],
      },
      ['shop'],
      this.clock,
      this.observer,
    );
    while (told() === before) await aMoment();
  };

  /** As a request is handled: whose it is, after its JWT was verified. */
  readonly whose = async (token: string): Promise<string> => {
    const request = { headers: { authorization: `Bearer ${token}` }, socket: {} } as IncomingMessage;
    await this.callers.verify(request);
    const who = this.callers.of(request);
    if (who.kind === 'ok') return who.client.name;
    return who.kind === 'refused' ? `${who.refusal.reason}: ${who.problem.code}` : who.kind;
  };

  readonly now = (): number => this.clock.wallMs();
  readonly seconds = (): number => Math.floor(this.now() / 1000);
  readonly sign = (...rest: SignArguments) => this.server.sign(this.now(), ...rest);
}

export function jwtWorld(): JwtWorld {
  const world = new JwtWorld();
  beforeAll(async () => {
    world.server = await JwtIssuerServer.start();
  });
  afterAll(() => world.server.stop());
  beforeEach(async () => {
    world.clock = new ManualClock();
    world.observer = new FakeIdentityObserver();
    world.server.answer = null;
    await world.start();
    world.server.fetches = 0;
  });
  return world;
}
