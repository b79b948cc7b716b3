import type { LastUse } from '../ports/replica-registry.js';
import { bytesOf, fieldsOf, MAX_AHEAD_MS, number } from './read-stored.js';

/** One way in which a client proves who it is, and how it was used since the replica started. */
export interface IdentityUse {
  readonly kind: string;
  /** Of a key the first digits of its SHA-256. */
  readonly id: string;
  readonly uses: number;
  /** On the wall clock; null: never. */
  readonly lastUsedAtMs: number | null;
}

/** What a client did since the replica started. */
export interface ClientUse {
  readonly client: string;
  /** Tokens that it was given. */
  readonly reads: number;
  readonly reports: number;
  readonly refused: number;
  readonly identities: readonly IdentityUse[];
}

/** What a replica answers those that ask about its clients: see `ReplicaReport.asks`. No app has this name. */
export const ALL_CLIENTS = '*';

const MAX_CLIENTS = 2000;
const MAX_IDENTITIES = 100;
/** The largest answer: it shares the 128 KiB of a report with everything else the replica says. */
const MAX_ANSWER_BYTES = 60_000;

/** How others find an identity; client names have no spaces. */
export function identityName(client: string, { kind, id }: Pick<IdentityUse, 'kind' | 'id'>): string {
  return `${client} ${kind} ${id}`;
}

/** When each identity was used last, by its name; those that never were are left out. */
export function lastUsesOf(uses: readonly ClientUse[]): ReadonlyMap<string, number> {
  return new Map(
    uses.flatMap(({ client, identities }) =>
      identities.flatMap((identity): [string, number][] =>
        identity.lastUsedAtMs === null ? [] : [[identityName(client, identity), identity.lastUsedAtMs]],
      ),
    ),
  );
}

/** The clients that did something last, as many as there is room for. */
export function answerOf(uses: readonly ClientUse[]): readonly ClientUse[] {
  const used = uses
    .map((use) => ({ ...use, identities: use.identities.filter((identity) => identity.uses > 0) }))
    .filter(({ reads, reports, refused, identities }) => reads + reports + refused + identities.length > 0);
  const newestOf = ({ identities }: ClientUse): number =>
    Math.max(0, ...identities.map(({ lastUsedAtMs }) => lastUsedAtMs ?? 0));
  const answer: ClientUse[] = [];
  let room = MAX_ANSWER_BYTES;
  for (const use of used.toSorted((one, other) => newestOf(other) - newestOf(one))) {
    room -= bytesOf(use) + 1;
    if (room < 0) break;
    answer.push(use);
  }
  return answer;
}

/** How a client, or one of its identities, was used on all replicas. */
export interface UseOnAll {
  readonly reads: number;
  readonly reports: number;
  readonly refused: number;
  readonly uses: number;
  /** Null: never, as far as anybody knows. */
  readonly last: LastUse | null;
}

/** While it is summed up. */
export type Changing<T> = { -readonly [Key in keyof T]: T[Key] };

/** The uses of all replicas as one. */
export class ClientSums {
  private readonly sums = new Map<string, Changing<UseOnAll>>();

  /** @param lastUses as the store has them, which remembers replicas that are gone */
  constructor(
    lastUses: ReadonlyMap<string, LastUse>,
    private readonly nowMs: number,
  ) {
    for (const [identity, use] of lastUses) this.usedAt(identity, use);
  }

  add(replica: string, uses: readonly ClientUse[]): void {
    for (const { client, reads, reports, refused, identities } of uses) {
      const sum = this.sumOf(client);
      sum.reads += reads;
      sum.reports += reports;
      sum.refused += refused;
      for (const identity of identities) {
        const name = identityName(client, identity);
        this.sumOf(name).uses += identity.uses;
        if (identity.lastUsedAtMs !== null) this.usedAt(name, { atMs: identity.lastUsedAtMs, replica });
      }
    }
  }

  /** @param name of a client, or as `identityName` makes it */
  of(name: string): UseOnAll {
    return this.sumOf(name);
  }

  private usedAt(identity: string, use: LastUse): void {
    if (use.atMs > this.nowMs + MAX_AHEAD_MS) return;
    const sum = this.sumOf(identity);
    sum.last = later(sum.last, use);
  }

  private sumOf(name: string): Changing<UseOnAll> {
    const known = this.sums.get(name);
    if (known) return known;
    const sum = { reads: 0, reports: 0, refused: 0, uses: 0, last: null };
    this.sums.set(name, sum);
    return sum;
  }
}

export function later(one: LastUse | null, other: LastUse | null): LastUse | null {
  if (!one || !other) return one ?? other;
  return other.atMs > one.atMs ? other : one;
}

/** Out of a store that anybody may have written to. */
export function readClientUses(stored: unknown): readonly ClientUse[] {
  const list: readonly unknown[] = Array.isArray(stored) ? stored.slice(0, MAX_CLIENTS) : [];
  return list.flatMap((one) => {
    const { client, reads, reports, refused, identities } = fieldsOf(one) ?? {};
    if (!isName(client)) return [];
    const all: readonly unknown[] = Array.isArray(identities) ? identities.slice(0, MAX_IDENTITIES) : [];
    return {
      client,
      reads: number(reads) ?? 0,
      reports: number(reports) ?? 0,
      refused: number(refused) ?? 0,
      identities: all.flatMap((identity) => {
        const { kind, id, uses, lastUsedAtMs } = fieldsOf(identity) ?? {};
        if (!isName(kind) || !isName(id)) return [];
        return { kind, id, uses: number(uses) ?? 0, lastUsedAtMs: number(lastUsedAtMs) };
      }),
    };
  });
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 2000;
}
