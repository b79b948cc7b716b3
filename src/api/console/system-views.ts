import { Injectable } from '@nestjs/common';
import { TokenBroker } from '../../core/broker.js';
import { ConsoleData } from '../../core/console/console-data.js';
import { Clock } from '../../core/ports/clock.js';
import type { ClientAccess } from '../auth/client-access.js';
import { ConfigStatus } from '../config/config-status.js';
import { systemView, type SystemView } from './console.views.js';

/** How the replicas, the store, the platforms and the configuration fare, for a client. */
@Injectable()
export class SystemViews {
  constructor(
    private readonly broker: TokenBroker,
    private readonly data: ConsoleData,
    private readonly config: ConfigStatus,
    private readonly clock: Clock,
  ) {}

  /** Whether the client sees every app, and with that what is about all of them. */
  seesAll({ section, apps }: ClientAccess): boolean {
    return section.apps === '*' || apps.length === this.broker.apps.length;
  }

  of(client: ClientAccess): SystemView {
    const { version, storeKind, board } = this.data;
    const platforms = this.data.platforms(client.apps);
    const { state } = this.config;
    return systemView(
      this.seesAll(client),
      { version, storeKind, board, platforms },
      state,
      this.clock.wallMs(),
    );
  }

  /** The part of the view whose change counts: the time does not, nor that a replica was seen again. */
  static essenceOf(view: SystemView): string {
    const skipped: ReadonlySet<string> = new Set(['at', 'seen_at', 'last_answer_at']);
    return JSON.stringify(view, (key, value: unknown) => (skipped.has(key) ? undefined : value));
  }
}
