import type { ComponentChildren } from 'preact';
import type { AppState } from '../api-types.ts';
import type { ApiError } from '../data/api.ts';
import { clock, relative } from '../data/format.ts';
import { nowMs } from '../data/store.ts';
import { t } from '../i18n/i18n.ts';

/** A moment, in words that go on with the time; the exact one as its title. */
export function Moment({ at, none }: { at: string | null; none?: string }) {
  if (at === null) return <span class="muted">{none ?? t.value.never}</span>;
  return (
    <time dateTime={at} title={at}>
      {relative(at, nowMs.value, t.value)}
    </time>
  );
}

/** A moment by the clock of this browser. */
export function ClockTime({ at }: { at: string }) {
  return (
    <time dateTime={at} title={at}>
      {clock(at, nowMs.value, t.value)}
    </time>
  );
}

export function StateBadge({ state }: { state: AppState }) {
  return <span class={`badge state-${state}`}>{t.value.state[state]}</span>;
}

export function Flag({ isGood, children }: { isGood: boolean; children: ComponentChildren }) {
  return <span class={`badge ${isGood ? 'state-ok' : 'state-expired'}`}>{children}</span>;
}

export function Loading() {
  return (
    <div class="placeholder" role="status">
      <span class="spinner" aria-hidden="true" />
      {t.value.loading}
    </div>
  );
}

export function Failed({ error, retry }: { error: ApiError; retry: () => void }) {
  const why = error.status === 0 ? t.value.noAnswer : error.message;
  return (
    <div class="placeholder" role="alert">
      <p>{t.value.failed(why)}</p>
      <button type="button" onClick={retry}>
        {t.value.retry}
      </button>
    </div>
  );
}

export function Empty({ title, children }: { title?: string; children: ComponentChildren }) {
  return (
    <div class="placeholder">
      {title !== undefined && <h2>{title}</h2>}
      {children}
    </div>
  );
}

interface ProblemProps {
  readonly what: string;
  readonly todo: string;
  readonly at: string | null;
  readonly isBad?: boolean;
}

export function Problem({ what, todo, at, isBad = false }: ProblemProps) {
  return (
    <div class={isBad ? 'problem problem-bad' : 'problem'}>
      <p class="problem-what">
        {what}{' '}
        {at !== null && (
          <span class="muted">
            {' '}
            · <Moment at={at} />
          </span>
        )}
      </p>
      {todo !== '' && (
        <p>
          <b>
            {t.value.app.todo}
            {t.value.colon}
          </b>
          {todo}
        </p>
      )}
    </div>
  );
}
