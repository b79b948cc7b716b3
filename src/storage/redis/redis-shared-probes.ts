import { hash, randomUUID } from 'node:crypto';
import {
  SharedProbes,
  type ProbeAttempt,
  type ProbeClaim,
  type ProbedToken,
} from '../../core/ports/shared-probes.js';
import { probeKey } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { defineScripts } from './redis-scripts.js';
import type { Binding, TokenCipher } from './token-cipher.js';

const REFUSED = 'refused';

/** A key for each token that is being tried. A refusal is sealed: without the encryption key one can make reports wait, but have no token refused. */
export class RedisSharedProbes extends SharedProbes {
  constructor(
    private readonly connection: RedisConnection,
    private readonly options: { readonly keyPrefix: string; readonly cipher: TokenCipher },
  ) {
    super();
    defineScripts(connection.client);
  }

  override async claim(token: ProbedToken, durationMs: number): Promise<ProbeClaim> {
    const attempt = { ...token, id: randomUUID() };
    const there = await this.connection.run(() =>
      this.connection.client.brokerProbeClaim(this.keyOf(attempt), attempt.id, Math.ceil(durationMs)),
    );
    if (there === '') return { kind: 'ours', attempt };
    const [phase, , id = '', sealed = ''] = there.split(' ');
    if (phase === 'p') return { kind: 'theirs', id, isRefused: false };
    const opened = this.options.cipher.open(this.bindingOf({ ...token, id }), sealed);
    const isRefused = opened.kind === 'opened' && opened.text === REFUSED;
    return isRefused ? { kind: 'theirs', id, isRefused } : { kind: 'unknown' };
  }

  override async finish(attempt: ProbeAttempt, isRefused: boolean, keptMs: number): Promise<void> {
    const sealed = isRefused ? this.options.cipher.seal(this.bindingOf(attempt), REFUSED) : '';
    await this.connection.run(() =>
      this.connection.client.brokerProbeFinish(this.keyOf(attempt), attempt.id, sealed, Math.ceil(keptMs)),
    );
  }

  private keyOf({ app, since }: ProbedToken): string {
    return probeKey(this.options.keyPrefix, app, since);
  }

  /** Replicas that refreshed while Redis was away may have given one generation to two values. */
  private bindingOf({ app, since, value, id }: ProbeAttempt): Binding {
    const { name, provider, appId, grant } = app;
    return ['probe', this.options.keyPrefix, name, provider, appId, grant, since, hash('sha256', value), id];
  }
}
