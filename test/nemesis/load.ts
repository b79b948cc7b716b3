import { setTimeout as sleep } from 'node:timers/promises';
import { steadyNow } from '@access-token-broker/simulator';
import type { Cluster, ClusterApp } from './cluster.js';
import type { Exchange, History } from './history.js';
import type { Replica } from './replica.js';

const CLIENTS = 6;
const PAUSE_MS = 20;

export interface LoadOptions {
  /** Whether clients report a token that the platform does not accept, as real ones do. */
  readonly reporting: boolean;
  /** Whether no client sends `min_generation`. */
  readonly asksForAny: boolean;
}

/** Clients that fetch tokens all the time, every other one with `min_generation`, and go to another replica when one gives none. */
export class Load {
  private isOver = false;
  private readonly clients: readonly Promise<void>[];

  constructor(
    private readonly cluster: Cluster,
    private readonly history: History,
    private readonly options: LoadOptions,
  ) {
    this.clients = Array.from({ length: CLIENTS }, (_, index) => this.client(index));
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.clients);
  }

  private async client(index: number): Promise<void> {
    const { apps } = this.cluster;
    const seen = new Map<ClusterApp, number>();
    const sendsGeneration = index % 2 === 0 && !this.options.asksForAny;
    for (let turn = 0; !this.isOver; turn++) {
      await sleep(PAUSE_MS);
      const app = apps[turn % apps.length];
      if (!app) continue;
      const known = seen.get(app);
      const exchange = await this.getAnywhere(
        app,
        index + Math.floor(turn / apps.length),
        sendsGeneration ? known : undefined,
      );
      seen.set(app, Math.max(known ?? 0, exchange?.generation ?? 0));
      if (exchange?.token && this.options.reporting) await this.reportIfDead(app, exchange);
    }
  }

  /** As a caller behind a load balancer that knows which replica is gone. */
  private async getAnywhere(
    app: ClusterApp,
    start: number,
    minGeneration: number | undefined,
  ): Promise<Exchange | null> {
    const { replicas } = this.cluster;
    for (let attempt = 0; attempt < replicas.length && !this.isOver; attempt++) {
      const replica = replicas[(start + attempt) % replicas.length];
      if (!replica?.isUp) continue;
      const exchange = await this.get(replica, app, minGeneration);
      if (exchange.status === 200) return exchange;
    }
    if (!this.isOver) this.history.unserved.push({ app: app.name, atMs: steadyNow() });
    return null;
  }

  private async get(replica: Replica, app: ClusterApp, minGeneration: number | undefined): Promise<Exchange> {
    const query = minGeneration === undefined ? '' : `&min_generation=${String(minGeneration)}`;
    const reply = await replica.get(`/token?app=${app.name}${query}`);
    return this.history.add({ kind: 'get', app: app.name, replica: replica.name, minGeneration }, reply);
  }

  private async reportIfDead(app: ClusterApp, { token, replica }: Exchange): Promise<void> {
    if (token === null || this.cluster.simulator.verdict(token).valid) return;
    const body = { app: app.name, access_token: token, errcode: 40001 };
    const asked = this.cluster.replicas.find(({ name }) => name === replica);
    if (asked) {
      const reply = await asked.post('/token/refresh', body);
      this.history.add({ kind: 'report', app: app.name, replica }, reply);
    }
  }
}
