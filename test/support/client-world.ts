import {
  createTokenClient,
  type TokenClientOptions,
  type TokenClientEvent,
  type TokenClient,
} from '@access-token-broker/client';
import { BrokerError } from '../../src/core/errors.js';
import { apiClient, createEdge, keyOf, type Edge } from './create-edge.js';
import { eventually } from './eventually.js';
import { heldToken } from './fake-broker.js';

const LIFE_MS = 7_000_500;

/** An edge on a socket and the clients of its app `shop`. It begins with generation 7; a report leads to 8. */
export class ClientWorld {
  private readonly clients: TokenClient[] = [];

  private constructor(
    public edge: Edge,
    readonly url: string,
  ) {
    edge.broker.tokens.set('shop', heldToken(7, LIFE_MS));
    edge.broker.reportAnswer = () => {
      this.rotate(8);
      return { kind: 'answered', refreshed: true, reason: 'rotated', token: heldToken(8, LIFE_MS) };
    };
  }

  static async start(): Promise<ClientWorld> {
    const clients = [apiClient('orders'), apiClient('reader', { scopes: ['token:read'] })];
    const edge = await createEdge({ clients });
    await edge.app.listen(0, '127.0.0.1');
    return new ClientWorld(edge, await edge.app.getUrl());
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
    // Also those on which nothing was asked yet, for which the server would wait.
    this.edge.app.getHttpServer().closeAllConnections();
    await this.edge.app.close();
  }

  /** A client with all that it told. */
  connect(options: Partial<TokenClientOptions> = {}) {
    const client = createTokenClient({ url: this.url, apiKey: keyOf('orders'), app: 'shop', ...options });
    const events: TokenClientEvent[] = [];
    client.subscribe((event) => events.push(event));
    this.clients.push(client);
    const types = () => events.map(({ type }) => type);
    return { client, events, types };
  }

  rotate(generation: number): void {
    this.edge.broker.rotate('shop', heldToken(generation, LIFE_MS));
    this.edge.clock.pass(0);
  }

  /** From now on a report finds no other token. */
  refuseReports({ retryAfterSeconds }: { retryAfterSeconds: number }): void {
    this.edge.broker.reportAnswer = () => {
      throw new BrokerError('upstream_unavailable', 'No answer.', { retryAfterSeconds });
    };
  }

  streaming(): Promise<unknown> {
    return eventually('an open stream', () => this.edge.observer.requests.includes('GET /token/events 200'));
  }

  /** How often. */
  asked(route: string): number {
    return this.edge.observer.requests.filter((one) => one.includes(` ${route} `)).length;
  }
}
