import { identityKey, type AppIdentity } from '../../core/app-definition.js';
import type { TokenRecord } from '../../core/token.js';
import { legacyKeys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import type { TokenCipher } from './token-cipher.js';

/**
 * What version 0.1 stored: a hash per name whose token alone was sealed, and a fence beside it. It is read once where
 * nothing newer is stored, so that an upgrade needs no fetch; and new tokens are written to it while it is there, so that
 * replicas of 0.1 that still run, or run again, take them over.
 */
export class LegacyState {
  /** Of which there is nothing (more) to be read. */
  private readonly isOver = new Set<string>();
  private readonly isGone = new Set<string>();

  constructor(
    private readonly connection: RedisConnection,
    private readonly cipher: TokenCipher,
    private readonly keyPrefix: string,
  ) {}

  /** What a broker of today would have stored; not yet bounded. Null where there is nothing, or it was replaced before. */
  async read(app: AppIdentity): Promise<unknown> {
    const key = identityKey(app);
    if (this.isOver.has(key)) return null;
    const { state, fence } = legacyKeys(this.keyPrefix, app);
    const [storedFence, ...texts] = await this.connection.run(() =>
      this.connection.client.brokerLegacyRead(state, fence),
    );
    if (texts.length === 0) {
      this.isOver.add(key);
      return null;
    }
    const fields = new Map<string, string>();
    for (let at = 0; at + 1 < texts.length; at += 2) fields.set(texts[at] ?? '', texts[at + 1] ?? '');
    const number = (name: string): number => Number(fields.get(name) ?? 0);
    return {
      record: this.record(app, fields),
      fence: Number(storedFence),
      suspect: number('suspect'),
      rolledBack: number('rolled_back'),
      intent: fields.has('intent') && {
        fence: number('intent'),
        atMs: number('intent_at'),
        inDoubt: fields.get('in_doubt') === '1',
      },
      beganAtMs: number('began_at'),
      backOff: fields.has('wait_until') && {
        untilMs: number('wait_until'),
        class: fields.get('wait_class'),
        ...reasonIn(fields.get('wait_why') ?? ''),
        atMs: number('wait_at'),
      },
      failures: number('failures'),
      day: number('day'),
      // All that was forced, by whomever.
      count: { fetches: number('fetches'), forced: number('forced') },
    };
  }

  /** Something newer is stored: what 0.1 left is not looked at any more, even if that vanishes. */
  forget(app: AppIdentity): void {
    this.isOver.add(identityKey(app));
  }

  /** Never throws: replicas of 0.1 that are not told fetch for themselves when their token is due. */
  async write(app: AppIdentity, record: TokenRecord): Promise<void> {
    const key = identityKey(app);
    if (this.isGone.has(key)) return;
    const { generation, since, value, issuedAtMs, expiresAtMs, owner, reason } = record;
    const fields = {
      generation,
      // Its own: a replica of 0.1 that fetched meanwhile would take any other for a fork, and fetch again.
      base: generation,
      since,
      value: this.cipher.seal([app.name, generation], value),
      issued_at: issuedAtMs,
      expires_at: expiresAtMs,
      owner,
      reason,
    };
    const { state } = legacyKeys(this.keyPrefix, app);
    const { client } = this.connection;
    const isThere = await client.brokerLegacyWrite(state, ...Object.entries(fields).flat()).catch(() => 1);
    if (isThere === 0) this.isGone.add(key);
  }

  private record({ name }: AppIdentity, fields: ReadonlyMap<string, string>): unknown {
    const generation = Number(fields.get('generation') ?? 0);
    const opened = this.cipher.open([name, generation], fields.get('value') ?? '');
    if (opened.kind !== 'opened') return null;
    return {
      generation,
      base: Number(fields.get('base')),
      since: Number(fields.get('since')),
      value: opened.text,
      issuedAtMs: Number(fields.get('issued_at')),
      expiresAtMs: Number(fields.get('expires_at')),
      owner: fields.get('owner'),
      reason: fields.get('reason'),
    };
  }
}

function reasonIn(text: string): object {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
}
