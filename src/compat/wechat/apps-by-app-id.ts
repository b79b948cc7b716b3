import { Injectable } from '@nestjs/common';
import { TokenBroker } from '../../core/broker.js';
import type { AppName } from '../../core/token.js';
import type { ClientAccess } from '../../api/auth/client-access.js';

interface ConfiguredApp {
  readonly app: AppName;
  readonly grant: string;
}

/** Finds apps by the platform's name for them. */
@Injectable()
export class AppsByAppId {
  private readonly known = new Map<string, readonly ConfiguredApp[]>();

  constructor(broker: TokenBroker) {
    for (const app of broker.apps) {
      const { appId, grant } = broker.status(app);
      this.known.set(appId, [...(this.known.get(appId) ?? []), { app, grant }]);
    }
  }

  /** Of those with this AppID that the client may see the first with this grant, else the first. */
  find(appId: string, client: ClientAccess, grant: string): AppName | undefined {
    const visible = (this.known.get(appId) ?? []).filter(({ app }) => client.visibleApp(app) !== undefined);
    return (visible.find((one) => one.grant === grant) ?? visible[0])?.app;
  }

  has(appId: string): boolean {
    return this.known.has(appId);
  }
}
