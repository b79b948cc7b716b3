import { Injectable } from '@nestjs/common';
import type { Scope } from '../../config/client.section.js';
import { ClientLimits } from '../limits/client-limits.js';
import { Callers } from './callers.js';
import type { Identity } from './identity.js';

/** What an operator may know of one client: no key, and what this replica has seen of it since it runs. */
export interface CallerReport {
  readonly name: string;
  /** As configured. */
  readonly apps: readonly string[] | '*';
  readonly scopes: readonly Scope[];
  readonly rate: { readonly requestsPerSecond: number; readonly burst: number };
  readonly identities: readonly Identity[];
  /** Requests that were turned away for want of a scope, or by a limit. */
  readonly refused: number;
  /** Of the wall clock; null: no request since this replica runs. */
  readonly lastUsedAtMs: number | null;
}

/** Who may call, and who does. */
@Injectable()
export class CallerReports {
  constructor(
    private readonly callers: Callers,
    private readonly limits: ClientLimits,
  ) {}

  /** In the order of the configuration. */
  all(): readonly CallerReport[] {
    return this.callers.clients.map(({ name, apps, scopes }) => {
      const identities = this.callers.identitiesOf(name);
      const times = identities.flatMap(({ lastUsedAtMs }) => lastUsedAtMs ?? []);
      return {
        name,
        apps,
        scopes,
        identities,
        lastUsedAtMs: times.length === 0 ? null : Math.max(...times),
        ...this.limits.of(name),
      };
    });
  }
}
