import { randomUUID } from 'node:crypto';
import {
  SharedProbes,
  type ProbeAttempt,
  type ProbeClaim,
  type ProbeVerdict,
} from '../../core/ports/shared-probes.js';
import { probeKey } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { defineScripts } from './redis-scripts.js';
import type { Binding, TokenCipher } from './token-cipher.js';

const VERDICTS: ReadonlySet<string> = new Set(['accepted', 'rejected'] satisfies ProbeVerdict[]);

/** A key for each token that is being tried. Its verdict is sealed: who has no key can delay a report, and decide none. */
export class RedisSharedProbes extends SharedProbes {
  constructor(
    private readonly connection: RedisConnection,
    private readonly options: { readonly keyPrefix: string; readonly cipher: TokenCipher },
  ) {
    super();
    defineScripts(connection.client);
  }

  override async claim(
    { app, since }: Omit<ProbeAttempt, 'id'>,
    durationMs: number,
    replaces: string | null,
  ): Promise<ProbeClaim> {
    const attempt = { app, since, id: randomUUID() };
    const there = await this.connection.run(() =>
      this.connection.client.brokerProbeClaim(
        this.keyOf(attempt),
        attempt.id,
        Math.ceil(durationMs),
        replaces ?? '',
      ),
    );
    if (there === '') return { kind: 'ours', attempt };
    const [phase, , id = '', sealed = ''] = there.split(' ');
    if (phase === 'p') return { kind: 'theirs', id, verdict: null };
    const verdict = this.open({ app, since, id }, sealed);
    return verdict === null ? { kind: 'unknown' } : { kind: 'theirs', id, verdict };
  }

  override async finish(attempt: ProbeAttempt, verdict: ProbeVerdict | null, keptMs: number): Promise<void> {
    const { cipher } = this.options;
    const sealed = verdict === null ? '' : cipher.seal(this.bindingOf(attempt), verdict);
    await this.connection.run(() =>
      this.connection.client.brokerProbeFinish(this.keyOf(attempt), attempt.id, sealed, Math.ceil(keptMs)),
    );
  }

  private open(attempt: ProbeAttempt, sealed: string): ProbeVerdict | null {
    const opened = this.options.cipher.open(this.bindingOf(attempt), sealed);
    return opened.kind === 'opened' && VERDICTS.has(opened.text) ? (opened.text as ProbeVerdict) : null;
  }

  private keyOf({ app, since }: ProbeAttempt): string {
    return probeKey(this.options.keyPrefix, app, since);
  }

  private bindingOf({ app, since, id }: ProbeAttempt): Binding {
    return ['probe', this.options.keyPrefix, app.name, app.provider, app.appId, app.grant, since, id];
  }
}
