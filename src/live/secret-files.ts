import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { AuditTrail } from '../api/common/request.js';
import type { AppSection } from '../config/app.section.js';
import type { Secret } from '../config/secret.js';
import { TokenBroker } from '../core/broker.js';
import type { AppName } from '../core/token.js';
import { Runtime } from '../composition/runtime.module.js';

/** Follows the files of AppSecrets: a new one is tried at once, and the old one kept until the new one has worked. */
@Injectable()
export class SecretFiles implements OnApplicationShutdown {
  private followed = new Map<AppName, Secret>();

  constructor(
    private readonly runtime: Runtime,
    private readonly broker: TokenBroker,
    private readonly audit: AuditTrail,
  ) {}

  /** These and no others from now on. An AppSecret that differs from the one before is offered at once. */
  follow(apps: readonly Pick<AppSection, 'name' | 'appSecret'>[]): void {
    const before = this.followed;
    this.followed = new Map(apps.map(({ name, appSecret }) => [name, appSecret]));
    for (const secret of before.values()) secret.close();
    for (const [name, secret] of this.followed) {
      const old = before.get(name);
      if (old && secret.fault !== null) this.lost(name, secret, secret.fault);
      else if (old && old.value() !== secret.value()) this.changed(name, secret.value());
      this.listen(name, secret);
    }
  }

  onApplicationShutdown(): void {
    for (const secret of this.followed.values()) secret.close();
  }

  private listen(app: AppName, secret: Secret): void {
    secret.onChange(
      (value) => {
        this.changed(app, value);
      },
      (reason) => {
        this.lost(app, secret, reason);
      },
      () => {
        this.runtime.logger.info(
          { event: 'secret.readable', app },
          'the AppSecret file can be read again, unchanged',
        );
        this.broker.secretCouldNotBeRead(app, null);
      },
    );
  }

  private changed(app: AppName, value: string): void {
    const { redactor, logger } = this.runtime;
    redactor.add(value);
    logger.info({ event: 'secret.changed', app }, 'the AppSecret changed; trying the new one');
    this.record(app, 'changed');
    void this.broker.changeSecret(app, value);
  }

  private lost(app: AppName, secret: Secret, reason: string): void {
    this.runtime.logger.error(
      { event: 'secret.unreadable', app, error: reason },
      secret.fault === null
        ? 'keeping the AppSecret that was read before'
        : 'there is no AppSecret yet: it is tried as soon as the file has it',
    );
    this.record(app, 'unreadable');
    this.broker.secretCouldNotBeRead(app, reason);
  }

  private record(app: AppName, reason: string): void {
    this.audit.record({ action: 'secret.reloaded', client: null, app, status: null, reason, origin: null });
  }
}
