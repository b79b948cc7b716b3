import { useRef, useState } from 'preact/hooks';
import type { AppCaller, AppDetail, AppRow, Counts, Snippet } from '../api-types.ts';
import { CopyButton } from '../components/copy-button.tsx';
import { Budget, LifeBar } from '../components/life-bar.tsx';
import { Empty, Failed, Loading, Moment, Problem, StateBadge } from '../components/small.tsx';
import { useLoaded } from '../components/use-loaded.ts';
import { api } from '../data/api.ts';
import { number } from '../data/format.ts';
import { apps } from '../data/store.ts';
import { remedyText, t } from '../i18n/i18n.ts';
import { AppActions } from './app-actions.tsx';
import { AppHistory } from './app-history.tsx';

const EVERY_MS = 10_000;

export function AppView({ app }: { app: string }) {
  const texts = t.value.app;
  const { data, error, reload } = useLoaded(app, () => api.app(app), EVERY_MS);
  // The stream's row is newer than that of the answer.
  const row = apps.value?.get(app) ?? (apps.value ? undefined : data?.row);
  return (
    <>
      <p class="crumbs">
        <a href="#/apps">← {texts.back}</a>
      </p>
      {row ? (
        <>
          <Head row={row} />
          <AppHistory app={app} provider={row.provider} />
          {data ? <Usage detail={data} /> : error ? <Failed error={error} retry={reload} /> : <Loading />}
        </>
      ) : error?.status === 404 || error?.status === 403 || apps.value ? (
        <Empty>
          <h1>{texts.missing(app)}</h1>
        </Empty>
      ) : error ? (
        <Failed error={error} retry={reload} />
      ) : (
        <Loading />
      )}
    </>
  );
}

function Head({ row }: { row: AppRow }) {
  const { facts } = t.value.app;
  const { last_error: error, disagreeing_replicas: others, suspect_reason: suspectReason } = row;
  return (
    <>
      <div class="view-head app-head">
        <h1>{row.app}</h1>
        <StateBadge state={row.state} />
        <AppActions row={row} />
      </div>
      {error ? (
        <Problem
          what={`${error.errcode === null ? '' : `${error.errcode} `}${error.message}`}
          todo={remedyText(row.provider, error.errcode, error.remedy)}
          at={error.at}
          isBad={row.state !== 'degraded'}
        />
      ) : (
        suspectReason !== null && (
          <Problem
            what={t.value.suspectReason(suspectReason)}
            todo={t.value.finding.suspect([row.app], '').todo}
            at={null}
            isBad
          />
        )
      )}
      {others.length > 0 && (
        <Problem
          what={t.value.apps.disagree(others)}
          todo={t.value.finding.disagree([row.app], others).todo}
          at={null}
        />
      )}
      <div class="card app-card">
        <div class="app-life">
          <LifeBar row={row} />
        </div>
        <dl class="facts">
          <Fact name={facts.provider}>
            {row.provider}
            {row.type !== null && ` · ${row.type}`}
          </Fact>
          <Fact name={facts.appId}>
            <code>{row.app_id}</code>
          </Fact>
          {row.grant !== null && <Fact name={facts.grant}>{row.grant}</Fact>}
          <Fact name={facts.generation}>
            <span key={row.generation} class="fresh" data-fact="generation">
              {row.generation ?? t.value.none}
            </span>
          </Fact>
          <Fact name={facts.issued}>
            <Moment at={row.issued_at} />
          </Fact>
          <Fact name={facts.expires}>
            <Moment at={row.expires_at} none={t.value.none} />
          </Fact>
          <Fact name={facts.next}>
            <Moment at={row.next_refresh_at} none={t.value.none} />
          </Fact>
          <Fact name={facts.fetches}>
            <Budget used={row.fetches_today} all={row.fetch_budget} />
          </Fact>
          <Fact name={facts.forced}>
            <Budget used={row.forced_today} all={row.forced_budget} />
          </Fact>
        </dl>
      </div>
    </>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Usage({ detail: { callers, login, gateway, snippets } }: { detail: AppDetail }) {
  const texts = t.value.app;
  return (
    <div class="grid">
      <section class="card" aria-labelledby="app-callers">
        <h2 id="app-callers">{texts.callers}</h2>
        {callers.length === 0 ? <p class="muted">{texts.callersEmpty}</p> : <Callers callers={callers} />}
        <dl class="facts counts">
          <Figures name={texts.login} counts={login} />
          <Figures name={texts.gateway} counts={gateway} />
        </dl>
      </section>
      <Snippets snippets={snippets} />
    </div>
  );
}

function Figures({ name, counts }: { name: string; counts: Counts | null }) {
  const texts = t.value.app;
  return (
    <Fact name={name}>
      {counts ? (
        <>
          <span class={counts.failed > 0 ? 'warn' : ''}>
            {texts.counts(number(counts.total, t.value), number(counts.failed, t.value))}
          </span>
          {counts.last_at !== null && (
            <span class="muted">
              {' · '}
              <Moment at={counts.last_at} />
            </span>
          )}
        </>
      ) : (
        <span class="muted">{texts.unused}</span>
      )}
    </Fact>
  );
}

function Callers({ callers }: { callers: readonly AppCaller[] }) {
  const texts = t.value.app.caller;
  const sorted = [...callers].sort((a, b) => b.reports - a.reports || b.reads - a.reads);
  return (
    <table class="sheet">
      <thead>
        <tr>
          <th scope="col">{texts.client}</th>
          <th scope="col" class="figure">
            {texts.reads}
          </th>
          <th scope="col">{texts.lastRead}</th>
          <th scope="col" class="figure">
            {texts.reports}
          </th>
          <th scope="col">{texts.lastReport}</th>
        </tr>
      </thead>
      <tbody>
        {sorted.map(({ client, reads, reports, last_read_at: read, last_report_at: reported }) => (
          <tr key={client}>
            <th scope="row">{client}</th>
            <td data-label={texts.reads} class="figure">
              {number(reads, t.value)}
            </td>
            <td data-label={texts.lastRead}>
              <Moment at={read} />
            </td>
            <td data-label={texts.reports} class={reports > 0 ? 'figure warn' : 'figure'}>
              {number(reports, t.value)}
            </td>
            <td data-label={texts.lastReport}>
              <Moment at={reported} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Snippets({ snippets }: { snippets: readonly Snippet[] }) {
  const [chosen, setChosen] = useState<Snippet['id']>('curl');
  const text = useRef<HTMLPreElement>(null);
  const texts = t.value.app;
  const shown = snippets.find(({ id }) => id === chosen) ?? snippets[0];
  if (!shown) return null;
  return (
    <section class="card" aria-labelledby="snippets">
      <h2 id="snippets">{texts.snippets}</h2>
      <div class="snippet-bar">
        <div class="chips" role="group" aria-labelledby="snippets">
          {snippets.map(({ id, title }) => (
            <button
              key={id}
              type="button"
              class="chip"
              aria-pressed={id === shown.id}
              onClick={() => {
                setChosen(id);
              }}
            >
              {title}
            </button>
          ))}
        </div>
        <CopyButton from={() => text.current} />
      </div>
      <pre ref={text} class="snippet" tabIndex={0} aria-label={shown.title}>
        {shown.text}
      </pre>
      <p class="muted small">{texts.snippetsHint}</p>
    </section>
  );
}
