import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { chooseLanguage, language } from '../i18n/i18n.ts';
import { AccountForm } from './account-form.tsx';
import { openLink, Refusal, type Written } from './api.ts';
import { Done } from './done.tsx';
import { texts } from './texts.ts';

const opened = signal<'pending' | 'yes' | Refusal>('pending');

/** The whole way from nothing to a broker that serves. */
export function FirstRun() {
  const [written, setWritten] = useState<Written | null>(null);
  useEffect(() => {
    openLink().then(
      () => (opened.value = 'yes'),
      (error: unknown) => (opened.value = error as Refusal),
    );
  }, []);
  const t = texts.value;
  const state = opened.value;
  useEffect(() => {
    document.title = t.title;
  }, [t]);
  return (
    <main class="first-run">
      <header>
        <h1>{written ? t.done : t.title}</h1>
        <button
          type="button"
          class="quiet"
          lang={language.value === 'zh' ? 'en' : 'zh-CN'}
          onClick={() => {
            chooseLanguage(language.value === 'zh' ? 'en' : 'zh');
          }}
        >
          {t.otherLanguage}
        </button>
      </header>
      {state instanceof Refusal && (
        <section class="card" role="alert">
          <h2>{state.code === '' ? t.noAnswer : t.linkUsed}</h2>
          {state.code !== '' && <p>{t.linkHint}</p>}
        </section>
      )}
      {state === 'yes' && !written && (
        <>
          <p class="muted">{t.intro}</p>
          <AccountForm onWritten={setWritten} />
        </>
      )}
      {written && <Done written={written} />}
    </main>
  );
}
