import type { Errcode, TokenClient } from '@access-token-broker/client';
import {
  DEAD_TOKEN_ERRCODES,
  deadTokenErrcode,
  type ErrcodeReading,
} from '../../packages/client/src/dead-token-errcode.js';

/** A client of `token-1`, which a report replaces by `token-2`, and so on. Heals an answer with errcode 40001 only. */
export class FakeTokenClient {
  readonly reports: string[] = [];
  /** The broker has no other token. */
  isStuck = false;
  readonly reading: { errcodeOf?: ErrcodeReading['errcodeOf'] } = {};

  get asClient(): TokenClient {
    return this as unknown as TokenClient;
  }

  private get current(): string {
    return `token-${String(this.reports.length + 1)}`;
  }

  async get(): Promise<string> {
    return this.current;
  }

  async report(token: string): Promise<string> {
    if (this.isStuck) throw new Error('no other token');
    if (token === this.current) this.reports.push(token);
    return this.get();
  }

  deadTokenErrcode(outcome: unknown): Promise<Errcode | undefined> {
    return deadTokenErrcode(outcome, { deadTokenErrcodes: DEAD_TOKEN_ERRCODES, ...this.reading });
  }

  async call<T>(work: (token: string) => T | PromiseLike<T>): Promise<T> {
    const token = await this.get();
    const answer = await work(token);
    if ((answer as { errcode?: number } | undefined)?.errcode !== 40001) return answer;
    return work(await this.report(token));
  }
}
