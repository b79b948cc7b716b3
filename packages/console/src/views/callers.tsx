import type { CallerKey, CallerRow } from '../api-types.ts';
import { Empty, Failed, Loading, Moment } from '../components/small.tsx';
import { useLoaded } from '../components/use-loaded.ts';
import { api } from '../data/api.ts';
import { number, relative } from '../data/format.ts';
import { nowMs } from '../data/store.ts';
import { t } from '../i18n/i18n.ts';

const EVERY_MS = 10_000;

export function CallersView() {
  const texts = t.value.callers;
  const { data, error, reload } = useLoaded('callers', api.callers, EVERY_MS);
  return (
    <>
      <div class="view-head">
        <h1>{texts.title}</h1>
        <p class="muted">{texts.intro}</p>
      </div>
      {data ? (
        data.items.length === 0 ? (
          <Empty>
            <p>{texts.empty}</p>
          </Empty>
        ) : (
          <Callers callers={data.items} />
        )
      ) : error ? (
        <Failed error={error} retry={reload} />
      ) : (
        <Loading />
      )}
    </>
  );
}

/** Of all replicas, since each started. */
const FIGURES = ['reads', 'reports', 'refused'] as const;

const lastUse = ({ last_used_at: at }: CallerRow) => (at === null ? 0 : Date.parse(at));

function Callers({ callers }: { callers: readonly CallerRow[] }) {
  const texts = t.value.callers;
  const sorted = [...callers].sort((a, b) => lastUse(b) - lastUse(a) || (a.client < b.client ? -1 : 1));
  return (
    <table class="sheet card">
      <thead>
        <tr>
          <th scope="col">{texts.client}</th>
          <th scope="col">{texts.lastUsed}</th>
          <th scope="col">{texts.keys}</th>
          <th scope="col">{texts.scopes}</th>
          <th scope="col">{texts.apps}</th>
          <th scope="col">{texts.rate}</th>
          {FIGURES.map((figure) => (
            <th key={figure} scope="col" class="figure">
              {texts[figure]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {sorted.map((caller) => (
          <Caller key={caller.client} caller={caller} />
        ))}
      </tbody>
    </table>
  );
}

function Caller({ caller }: { caller: CallerRow }) {
  const texts = t.value.callers;
  const { client, scopes, apps, rate, keys } = caller;
  return (
    <tr>
      <th scope="row">{client}</th>
      <td data-label={texts.lastUsed}>
        <Moment at={caller.last_used_at} />
      </td>
      <td data-label={texts.keys}>
        {keys.length === 0 ? (
          <span class="muted">{texts.noKeys}</span>
        ) : (
          <ul class="plain">
            {keys.map((key) => (
              <Key key={key.id} of={key} />
            ))}
          </ul>
        )}
      </td>
      <td data-label={texts.scopes}>
        <span class="tags">
          {scopes.map((scope) => (
            <code key={scope} class="tag">
              {scope}
            </code>
          ))}
        </span>
      </td>
      <td data-label={texts.apps} class="wrap">
        {apps === '*' ? texts.allApps : apps.join(', ')}
      </td>
      <td data-label={texts.rate}>
        {rate ? (
          texts.rateOf(rate.requests_per_second, rate.burst)
        ) : (
          <span class="muted">{texts.noRate}</span>
        )}
      </td>
      {FIGURES.map((figure) => (
        <td
          key={figure}
          data-label={texts[figure]}
          class={figure !== 'reads' && caller[figure] > 0 ? 'figure warn' : 'figure'}
        >
          {number(caller[figure], t.value)}
        </td>
      ))}
    </tr>
  );
}

function Key({ of: key }: { of: CallerKey }) {
  const { id, kind, last_used_at: last, last_used_on: replica, uses, expires_at: expires } = key;
  const texts = t.value.callers;
  const isOver = expires !== null && Date.parse(expires) <= nowMs.value;
  return (
    <li>
      <code title={id}>{id.slice(0, 12)}</code> <span class="muted">{texts.kind[kind]}</span>
      {' · '}
      {last === null ? (
        <span class="muted">{texts.unusedKey}</span>
      ) : (
        <>
          <Moment at={last} />
          <span class="muted">
            {replica !== null && texts.on(replica)} ({texts.uses(number(uses, t.value))})
          </span>
        </>
      )}
      {expires !== null && (
        <span class={isOver ? 'warn' : 'muted'}>
          {' · '}
          {isOver ? texts.expired : texts.expires(relative(expires, nowMs.value, t.value))}
        </span>
      )}
    </li>
  );
}
