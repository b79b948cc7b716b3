import { readdirSync } from 'node:fs';
import { startBroker, type BrokerProcess } from '../support/broker-process.js';
import type { FaultProxy } from '../support/fault-proxy.js';
import { eventually } from '../support/eventually.js';
import { ask, type Reply } from './ask.js';

export interface ReplicaOptions {
  readonly name: string;
  readonly config: object;
  readonly port: number;
  readonly key: string;
  readonly toPlatform: FaultProxy;
  /** Null: the memory backend, or a Redis that is reached without a proxy. */
  readonly toRedis: FaultProxy | null;
}

/** One broker process that can be killed, frozen and started again, with its own way to Redis and to the platform. */
export class Replica {
  readonly name: string;
  readonly url: string;
  readonly toPlatform: FaultProxy;
  readonly toRedis: FaultProxy | null;
  /** Of all its processes that have ended. */
  endedOutput = '';
  private broker: BrokerProcess | null = null;

  constructor(private readonly options: ReplicaOptions) {
    this.name = options.name;
    this.url = `http://127.0.0.1:${String(options.port)}`;
    this.toPlatform = options.toPlatform;
    this.toRedis = options.toRedis;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const { config, port } = this.options;
    this.broker = await startBroker({ config, env: { PORT: String(port) } });
  }

  get isUp(): boolean {
    return this.broker?.process.isRunning ?? false;
  }

  get pid(): number | undefined {
    return this.broker?.process.pid;
  }

  /** Of all processes that it ever was. */
  get output(): string {
    return this.endedOutput + (this.broker?.output() ?? '');
  }

  async kill(): Promise<void> {
    await this.broker?.kill();
    this.forget();
  }

  freeze(): void {
    this.broker?.process.signal('SIGSTOP');
  }

  thaw(): void {
    this.broker?.process.signal('SIGCONT');
  }

  /** Resolves to the exit code. */
  async terminate(): Promise<number | null> {
    const code = (await this.broker?.stop()) ?? null;
    this.forget();
    return code;
  }

  async ready(): Promise<void> {
    await eventually(`${this.name} ready`, async () => (await this.get('/health/ready')).status === 200);
  }

  get(path: string, timeoutMs?: number): Promise<Reply> {
    return ask({ url: this.url + path, key: this.options.key, ...(timeoutMs && { timeoutMs }) });
  }

  post(path: string, body: object, timeoutMs = 5000): Promise<Reply> {
    return ask({ url: this.url + path, key: this.options.key, body, timeoutMs });
  }

  async text(path: string): Promise<string> {
    return (await fetch(this.url + path)).text();
  }

  /** Sockets included. Linux only. */
  openFiles(): number {
    return readdirSync(`/proc/${String(this.pid)}/fd`).length;
  }

  private forget(): void {
    this.endedOutput = this.output;
    this.broker = null;
  }
}
