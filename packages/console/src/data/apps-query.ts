import type { AppRow, AppState } from '../api-types.ts';

export const FILTERS = [
  'all',
  'trouble',
  'expired',
  'pending',
  'suspect',
  'degraded',
  'disagreeing',
  'ok',
] as const;
export type Filter = 'all' | 'trouble' | 'disagreeing' | AppState;

export const SORT_KEYS = ['worst', 'name', 'life', 'next', 'fetches', 'forced'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Query {
  readonly text: string;
  readonly filter: Filter;
  readonly sort: SortKey;
  readonly isDescending: boolean;
}

export const EVERYTHING: Query = { text: '', filter: 'all', sort: 'worst', isDescending: false };

const RANK: Readonly<Record<AppState, number>> = { expired: 0, pending: 1, suspect: 2, degraded: 3, ok: 5 };
const DISAGREES = 4;
const WELL = 5;

/** 0 is the worst, 5 is well. */
export function rankOf({ state, disagreeing_replicas: others }: AppRow): number {
  return Math.min(RANK[state], others.length > 0 ? DISAGREES : WELL);
}

export const isWell = (row: AppRow): boolean => rankOf(row) === WELL;

function passes(row: AppRow, filter: Filter): boolean {
  if (filter === 'all') return true;
  if (filter === 'trouble') return !isWell(row);
  if (filter === 'disagreeing') return row.disagreeing_replicas.length > 0;
  return row.state === filter;
}

export function countByFilter(rows: Iterable<AppRow>): Readonly<Record<Filter, number>> {
  const counts = {
    all: 0,
    trouble: 0,
    disagreeing: 0,
    ok: 0,
    suspect: 0,
    degraded: 0,
    expired: 0,
    pending: 0,
  };
  for (const row of rows) for (const filter of FILTERS) if (passes(row, filter)) counts[filter]++;
  return counts;
}

function matches({ app, app_id, provider, last_error: error }: AppRow, text: string): boolean {
  const fields = [app, app_id, provider, error?.message ?? '', String(error?.errcode ?? '')];
  return fields.some((field) => field.toLowerCase().includes(text));
}

const timeOf = (text: string | null) => (text === null ? 0 : Date.parse(text));

const VALUES: Readonly<Record<Exclude<SortKey, 'name'>, (row: AppRow) => number>> = {
  worst: rankOf,
  life: ({ expires_at: at }) => timeOf(at),
  next: ({ next_refresh_at: at }) => timeOf(at),
  fetches: ({ fetches_today: n }) => n,
  forced: ({ forced_today: n }) => n,
};

/** The rows that are shown, in their order; equal ones by name. */
export function select(rows: Iterable<AppRow>, { text, filter, sort, isDescending }: Query): AppRow[] {
  const wanted = text.trim().toLowerCase();
  const found = [...rows]
    .filter((row) => passes(row, filter) && (wanted === '' || matches(row, wanted)))
    .map((row) => ({ row, value: sort === 'name' ? 0 : VALUES[sort](row) }));
  const direction = isDescending ? -1 : 1;
  const byName = sort === 'name' ? direction : 1;
  found.sort((a, b) => (a.value - b.value) * direction || (a.row.app < b.row.app ? -byName : byName));
  return found.map(({ row }) => row);
}
