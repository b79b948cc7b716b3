import { StoreUnavailableError } from '../../core/errors.js';
import type { Changes } from '../../core/ports/token-store.js';
import { changesKey } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { defineScripts, type SwapReply } from './redis-scripts.js';

/** Entries that are read with one command, and commands of one look. */
const PAGE = 1000;
const MAX_PAGES = 10;
/** Own entries that were not read yet. */
const MAX_OWN = 10_000;
/** Of a proxy or a server that keeps the list on another node than the app, or of a user that may not use its key. */
const MUST_BE_APART = /CROSSSLOT|same slot|NOPERM|can't run this command/i;
const SWAPPED = 1;

/**
 * The list of changes in Redis: a stream of the apps whose state was written. The script that stores a state adds the entry
 * in the same instant; where the list may be on another node it is added afterwards, and again until that has worked.
 */
export class ChangeList {
  private readonly key: string;
  private isApart: boolean;
  /** Entries that this replica wrote and has not read yet: one that cannot be found is one that Redis lost. */
  private readonly own = new Set<string>();
  /** Apps that this replica wrote to, and that may not be in the list yet; false where it got no answer to a write. */
  private readonly missing = new Map<string, boolean>();
  private isForbidden = false;
  private wasUsable = true;
  private adding: Promise<void> = Promise.resolve();
  private interruptions = 0;

  constructor(
    private readonly connection: RedisConnection,
    keyPrefix: string,
    /** Is told when the list cannot be used, and, with true, when it can be again. */
    private readonly onChange: (isUsable: boolean) => void = () => undefined,
  ) {
    this.key = changesKey(keyPrefix);
    this.isApart = connection.isCluster;
    defineScripts(connection.client);
  }

  /** @param swap stores the state of this app; given a key, it adds the app to the list there as well */
  async write(app: string, swap: (noteIn: string | null) => Promise<SwapReply>): Promise<SwapReply> {
    if (!this.isApart) {
      try {
        const reply = await swap(this.key);
        if (reply[0] === SWAPPED) this.added(app, reply[4] ?? '', true);
        return reply;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError && MUST_BE_APART.test(error.message))) throw error;
        this.isApart = true;
      }
    }
    try {
      const reply = await swap(null);
      if (reply[0] === SWAPPED) this.miss(app, true);
      return reply;
    } catch (error) {
      // It may have been stored.
      this.miss(app, false);
      throw error;
    } finally {
      void this.addMissing().catch(() => undefined);
    }
  }

  /** See `TokenStore.changes`. */
  async since(cursor: string | null): Promise<Changes> {
    const { interruptions } = this.connection;
    const wasInterrupted = interruptions !== this.interruptions;
    await this.addMissing();
    const changes = await this.read(wasInterrupted ? null : cursor);
    this.interruptions = interruptions;
    const isUsable = !this.isForbidden && changes.kind !== 'unsupported';
    if (isUsable !== this.wasUsable) this.onChange(isUsable);
    this.wasUsable = isUsable;
    return isUsable ? changes : { kind: 'unsupported' };
  }

  private async read(since: string | null): Promise<Changes> {
    let cursor = since ?? '';
    const keys = new Set<string>();
    const found = new Set<string>();
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const at = cursor;
      const [kind, ...entries] = await this.connection.run(() =>
        this.connection.client.brokerChanges(this.key, at, PAGE),
      );
      if (kind === 'unsupported') return { kind };
      if (kind === 'gap') {
        const [last = ''] = entries;
        this.own.clear();
        return { kind, cursor: last };
      }
      for (let index = 0; index < entries.length; index += 2) {
        cursor = entries[index] ?? '';
        const app = entries[index + 1] ?? '';
        if (this.own.has(cursor)) found.add(cursor);
        else if (app !== '') keys.add(app);
      }
      if (entries.length < 2 * PAGE) break;
    }
    const isLost = this.forgetOwn(since ?? '', cursor, found);
    return isLost ? { kind: 'gap', cursor } : { kind: 'since', keys, cursor };
  }

  /** Whether one of this replica's own entries should be among those that were read, and is not. */
  private forgetOwn(since: string, upTo: string, found: ReadonlySet<string>): boolean {
    let isLost = false;
    for (const id of this.own) {
      if (isAfter(id, upTo)) continue;
      this.own.delete(id);
      isLost ||= isAfter(id, since) && !found.has(id);
    }
    return isLost;
  }

  private miss(app: string, isAnswered: boolean): void {
    this.missing.set(app, isAnswered && this.missing.get(app) !== false);
  }

  /** An entry about a write without an answer is read like that of another replica. */
  private added(app: string, id: string, isAnswered: boolean): void {
    this.isForbidden = id === '';
    if (id === '') this.miss(app, isAnswered);
    if (id === '' || !isAnswered) return;
    const [oldest = ''] = this.own;
    if (this.own.size >= MAX_OWN) this.own.delete(oldest);
    this.own.add(id);
  }

  /** Throws `StoreUnavailableError`. */
  private addMissing(): Promise<void> {
    this.adding = this.adding.catch(() => undefined).then(() => this.addAll());
    return this.adding;
  }

  private async addAll(): Promise<void> {
    const apps = [...this.missing].slice(0, PAGE);
    if (apps.length === 0) return;
    // What is stored from now on needs an entry after this one.
    for (const [app] of apps) this.missing.delete(app);
    try {
      const names = apps.map(([app]) => app);
      const ids = await this.connection.run(() => this.connection.client.brokerNote(this.key, ...names));
      for (const [index, [app, isAnswered]] of apps.entries()) this.added(app, ids[index] ?? '', isAnswered);
    } catch (error) {
      for (const [app, isAnswered] of apps) this.miss(app, isAnswered);
      throw error;
    }
  }
}

/** Ids are `<ms>-<number>`. */
function isAfter(id: string, other: string): boolean {
  const [ms = 0, number = 0] = id.split('-').map(Number);
  const [otherMs = 0, otherNumber = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}
