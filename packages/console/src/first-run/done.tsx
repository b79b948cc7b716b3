import { useEffect, useState } from 'preact/hooks';
import type { AppState } from '../api-types.ts';
import { t as messages } from '../i18n/i18n.ts';
import { openConsole, whenServed, type Written } from './api.ts';
import { Copyable } from './copyable.tsx';
import { texts } from './texts.ts';

/** The keys, how the broker comes up, and what services write. */
export function Done({ written }: { written: Written }) {
  const { keys, snippets } = written;
  const [state, setState] = useState<string | null>(null);
  const [shown, setShown] = useState(snippets[0]?.id ?? '');
  const t = texts.value;
  useEffect(() => {
    void whenServed(keys.operator).then(setState);
  }, [keys.operator]);
  const snippet = snippets.find(({ id }) => id === shown);
  return (
    <>
      <p
        class={`outcome ${state === 'ok' ? 'outcome-good' : ''}`}
        role="status"
        data-state={state ?? 'starting'}
      >
        {state === null
          ? t.starting
          : state === 'ok'
            ? t.serves
            : t.servesNot(messages.value.state[state as AppState])}
      </p>
      <section class="card" aria-labelledby="keys">
        <h2 id="keys">{t.keys}</h2>
        <p class="muted">{t.keysHint}</p>
        <h3>{t.services}</h3>
        <Copyable text={keys.services} label={t.services} />
        <h3>{t.operator}</h3>
        <Copyable text={keys.operator} label={t.operator} />
        <p class="muted small">
          {t.written} <code>{written.config_file}</code>, <code>{written.secret_file}</code>
        </p>
      </section>
      <section class="card" aria-labelledby="use">
        <h2 id="use">{t.use}</h2>
        <div class="choices" role="group" aria-labelledby="use">
          {snippets.map(({ id, title }) => (
            <button
              key={id}
              type="button"
              aria-pressed={id === shown}
              onClick={() => {
                setShown(id);
              }}
            >
              {title.split(',')[0]}
            </button>
          ))}
        </div>
        {snippet && (
          <Copyable text={snippet.text.replaceAll('${KEY}', keys.services)} label={snippet.title} />
        )}
      </section>
      <button
        type="button"
        class="primary"
        disabled={state === null}
        onClick={() => {
          void openConsole(keys.operator);
        }}
      >
        {t.openConsole}
      </button>
    </>
  );
}
