import type { AppRow } from '../api-types.ts';
import { duration } from '../data/format.ts';
import { nowMs } from '../data/store.ts';
import { t } from '../i18n/i18n.ts';

/** The life of a token that runs down, with a notch where it is refreshed, and the same in words. */
export function LifeBar({ row }: { row: AppRow }) {
  const { issued_at: issued, expires_at: expires, next_refresh_at: next } = row;
  if (issued === null || expires === null) {
    const isTokenless = row.grant === null && row.state === 'ok';
    return <span class="muted">{isTokenless ? t.value.apps.tokenless : t.value.apps.noToken}</span>;
  }
  const now = nowMs.value;
  const end = Date.parse(expires);
  const begin = Date.parse(issued);
  const share = (ms: number) => Math.min(1, Math.max(0, (end - ms) / Math.max(1, end - begin)));
  const left = share(now);
  const notch = next === null ? null : share(Date.parse(next));
  const isLate = notch !== null && left < notch - 0.02;
  const words =
    end > now
      ? t.value.apps.left(duration(end - now, t.value))
      : t.value.apps.expired(duration(now - end, t.value));
  return (
    <span class="life">
      <span
        class={`bar ${end <= now ? 'bar-dead' : isLate || row.state !== 'ok' ? 'bar-warn' : ''}`}
        aria-hidden="true"
      >
        <span
          class="bar-fill"
          style={{ clipPath: `inset(0 ${((1 - left) * 100).toFixed(2)}% 0 0 round 5px)` }}
        />
        {notch !== null && notch > 0 && notch < 1 && (
          <span class="bar-notch" style={{ insetInlineStart: `${(notch * 100).toFixed(2)}%` }} />
        )}
      </span>
      <span class="life-words">{words}</span>
    </span>
  );
}

/** What was used of a day's budget. */
export function Budget({ used, all }: { used: number; all: number | null }) {
  const isMuch = all !== null && all > 0 && used >= all * 0.9;
  const { locale } = t.value;
  return (
    <span class={isMuch ? 'budget warn' : 'budget'}>
      <b>{used.toLocaleString(locale)}</b>
      {all !== null && <span class="muted"> / {all.toLocaleString(locale)}</span>}
    </span>
  );
}
