import { Callers } from '../../src/api/auth/callers.js';
import { apiClient, createEdge, keyOf, type Edge } from './create-edge.js';

type Method = 'GET' | 'POST' | 'DELETE';

export const CONSOLE_CLIENTS = [
  apiClient('ops', { scopes: ['console', 'console:act'] }),
  apiClient('viewer', { scopes: ['console'], apps: ['blog'] }),
  apiClient('orders'),
];

/** A browser at the console of an edge of its own. It is signed in as `ops` before each test. */
export class ConsoleVisitor {
  cookie = '';
  csrf = '';

  private constructor(readonly edge: Edge) {}

  /** For the tests of the `describe` that it is called in. */
  static forTests(): { readonly current: ConsoleVisitor } {
    const holder = { current: null as unknown as ConsoleVisitor };
    beforeAll(async () => {
      const edge = await createEdge({
        clients: CONSOLE_CLIENTS,
        console: true,
        auth: { failuresPerMinute: 3 },
      });
      holder.current = new ConsoleVisitor(edge);
    });
    afterAll(() => holder.current.edge.app.close());
    beforeEach(() => holder.current.startAnew());
    return holder;
  }

  readonly signIn = (key: string, headers = {}) =>
    this.edge.app.inject({ method: 'POST', url: '/console/api/session', payload: { key }, headers });

  readonly send = (
    method: Method,
    path: string,
    payload?: object,
    headers: object = { 'x-csrf-token': this.csrf },
  ) =>
    this.edge.app.inject({
      method,
      url: `/console/api${path}`,
      headers: { cookie: this.cookie, ...headers },
      ...(payload && { payload }),
    });

  async signInAs(client: string): Promise<void> {
    const response = await this.signIn(keyOf(client));
    this.cookie = String(response.headers['set-cookie']).split(';')[0] ?? '';
    this.csrf = response.json<{ csrf: string }>().csrf;
  }

  readonly replace = (clients: typeof CONSOLE_CLIENTS): void => {
    this.edge.app.get(Callers).replace({ clients, issuers: [] }, this.edge.broker.apps);
  };

  private async startAnew(): Promise<void> {
    const { edge } = this;
    this.replace(CONSOLE_CLIENTS);
    edge.clock.nowMs = 0;
    edge.config.state = { ...edge.config.state, faults: [] };
    edge.broker.tests.length = 0;
    edge.broker.reports.length = 0;
    edge.broker.testAnswer = { outcome: 'accepted', errcode: null, message: null, remedy: null };
    await this.signInAs('ops');
    edge.audit.entries.length = 0;
  }
}
