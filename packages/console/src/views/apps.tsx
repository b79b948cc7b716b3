import { computed, signal } from '@preact/signals';
import type { AppRow } from '../api-types.ts';
import { Budget, LifeBar } from '../components/life-bar.tsx';
import { Empty, Failed, Loading, Moment, StateBadge } from '../components/small.tsx';
import { VirtualRows } from '../components/virtual-rows.tsx';
import {
  countByFilter,
  EVERYTHING,
  FILTERS,
  isWell,
  select,
  SORT_KEYS,
  type Query,
  type SortKey,
} from '../data/apps-query.ts';
import { number } from '../data/format.ts';
import { hrefOfApp } from '../data/route.ts';
import { apps, appsError, load, nowMs } from '../data/store.ts';
import { remedyText, t } from '../i18n/i18n.ts';

/** Stays while the reader looks at an app and comes back. */
const query = signal<Query>(EVERYTHING);
const rows = computed(() => [...(apps.value?.values() ?? [])]);
const shown = computed(() => select(rows.value, query.value));
const counts = computed(() => countByFilter(rows.value));

/** The columns that can be sorted by, in their order; null: the last problem. */
const COLUMNS: readonly (readonly [
  name: 'app' | 'state' | 'life' | 'next' | 'fetches' | 'forced' | 'problem',
  sort: SortKey | null,
])[] = [
  ['app', 'name'],
  ['state', 'worst'],
  ['life', 'life'],
  ['next', 'next'],
  ['fetches', 'fetches'],
  ['forced', 'forced'],
  ['problem', null],
];

const change = (changes: Partial<Query>) => {
  query.value = { ...query.value, ...changes };
};

function sortBy(sort: SortKey): void {
  const isSame = query.value.sort === sort;
  // Counts are looked at from the top.
  const isDescending = isSame ? !query.value.isDescending : sort === 'fetches' || sort === 'forced';
  change({ sort, isDescending });
}

export function AppsView() {
  const texts = t.value.apps;
  const known = apps.value;
  return (
    <>
      <div class="view-head">
        <h1>{texts.title}</h1>
        {known && known.size > 0 && (
          <p class="muted">{texts.summary(known.size, known.size - counts.value.ok + wrongButOk())}</p>
        )}
      </div>
      {known ? (
        known.size === 0 ? (
          <NoApps />
        ) : (
          <Known />
        )
      ) : appsError.value ? (
        <Failed error={appsError.value} retry={() => void load()} />
      ) : (
        <Loading />
      )}
    </>
  );
}

/** Apps that are served well by this replica, and not by another. */
const wrongButOk = () => rows.value.filter((row) => row.state === 'ok' && !isWell(row)).length;

function NoApps() {
  const { empty } = t.value.apps;
  return (
    <Empty title={empty.title}>
      <p>{empty.text}</p>
      <p class="muted">{empty.forClient}</p>
    </Empty>
  );
}

function Known() {
  const texts = t.value.apps;
  return (
    <>
      <Toolbar />
      <div
        class="table apps-table"
        role="table"
        aria-label={texts.table}
        aria-rowcount={shown.value.length + 1}
        aria-colcount={COLUMNS.length}
      >
        <div class="table-head" role="rowgroup">
          <div class="row-head" role="row" aria-rowindex={1}>
            {COLUMNS.map(([name, sort]) => (
              <HeadCell key={name} name={name} sort={sort} />
            ))}
          </div>
        </div>
        <VirtualRows
          items={shown.value}
          keyOf={({ app }) => app}
          classOf={(row) => (isWell(row) ? '' : `row-${row.state}`)}
        >
          {(row) => <Cells row={row} />}
        </VirtualRows>
      </div>
      {shown.value.length === 0 && (
        <Empty title={texts.noMatch.title}>
          <button
            type="button"
            onClick={() => {
              change({ text: '', filter: 'all' });
            }}
          >
            {texts.noMatch.clear}
          </button>
        </Empty>
      )}
    </>
  );
}

function Toolbar() {
  const texts = t.value.apps;
  const { text, filter, sort } = query.value;
  return (
    <div class="toolbar">
      <input
        type="search"
        value={text}
        placeholder={texts.search}
        aria-label={texts.search}
        onInput={({ currentTarget }) => {
          change({ text: currentTarget.value });
        }}
      />
      <div class="chips" role="group" aria-label={texts.filter}>
        {FILTERS.filter((one) => one === 'all' || one === filter || counts.value[one] > 0).map((one) => (
          <button
            key={one}
            type="button"
            class="chip"
            aria-pressed={one === filter}
            onClick={() => {
              change({ filter: one });
            }}
          >
            {texts.filters[one]} <span class="chip-count">{number(counts.value[one], t.value)}</span>
          </button>
        ))}
      </div>
      <label class="sort-select">
        {texts.sort}
        <select
          value={sort}
          onChange={({ currentTarget }) => {
            const chosen = SORT_KEYS.find((one) => one === currentTarget.value);
            if (chosen) change({ sort: chosen, isDescending: chosen === 'fetches' || chosen === 'forced' });
          }}
        >
          {SORT_KEYS.map((one) => (
            <option key={one} value={one}>
              {texts.sorts[one]}
            </option>
          ))}
        </select>
      </label>
      <p class="visually-hidden" role="status">
        {text !== '' || filter !== 'all' ? texts.shown(shown.value.length, rows.value.length) : ''}
      </p>
    </div>
  );
}

function HeadCell({ name, sort }: { name: (typeof COLUMNS)[number][0]; sort: SortKey | null }) {
  const label = t.value.apps.columns[name];
  const isSorted = sort !== null && query.value.sort === sort;
  const order = isSorted ? (query.value.isDescending ? 'descending' : 'ascending') : 'none';
  return (
    <div class={`cell cell-${name}`} role="columnheader" {...(sort !== null && { 'aria-sort': order })}>
      {sort === null ? (
        label
      ) : (
        <button
          type="button"
          class="sort"
          onClick={() => {
            sortBy(sort);
          }}
        >
          {label}
          <span aria-hidden="true">{isSorted ? (query.value.isDescending ? ' ↓' : ' ↑') : ''}</span>
        </button>
      )}
    </div>
  );
}

function Cells({ row }: { row: AppRow }) {
  const texts = t.value.apps;
  const { next_refresh_at: next } = row;
  const isDue = next !== null && Date.parse(next) <= nowMs.value;
  return (
    <>
      <div class="cell cell-app" role="rowheader">
        <a href={hrefOfApp(row.app)} title={row.app}>
          {row.app}
        </a>
        <span class="second" title={row.app_id}>
          {row.provider} · <code>{row.app_id}</code>
        </span>
      </div>
      <div class="cell cell-state" role="cell">
        <StateBadge state={row.state} />
      </div>
      <div class="cell cell-life" role="cell">
        <span key={row.generation} class="fresh">
          <LifeBar row={row} />
        </span>
      </div>
      <div class="cell cell-next" role="cell">
        {isDue ? <span class="muted">{texts.due}</span> : <Moment at={next} none={t.value.none} />}
      </div>
      <div class="cell cell-fetches" role="cell" data-label={texts.columns.fetches}>
        <Budget used={row.fetches_today} all={row.fetch_budget} />
      </div>
      <div class="cell cell-forced" role="cell">
        <Budget used={row.forced_today} all={row.forced_budget} />
      </div>
      <div class="cell cell-problem" role="cell">
        <LastProblem row={row} />
      </div>
    </>
  );
}

function LastProblem({ row }: { row: AppRow }) {
  const { last_error: error, disagreeing_replicas: others } = row;
  if (error) {
    const what = `${error.errcode === null ? '' : `${error.errcode} `}${error.message}`;
    const todo = remedyText(row.provider, error.errcode, error.remedy);
    return (
      <>
        <span class="first" title={what}>
          {what}
        </span>
        <span class="second" title={todo}>
          {todo}
        </span>
      </>
    );
  }
  if (others.length > 0) return <span class="first">{t.value.apps.disagree(others)}</span>;
  if (row.suspect_reason !== null)
    return <span class="first">{t.value.suspectReason(row.suspect_reason)}</span>;
  return <span class="muted">{t.value.none}</span>;
}
