import { computed } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { isWell } from '../data/apps-query.ts';
import { findingsOf } from '../data/findings.ts';
import { route, type Route } from '../data/route.ts';
import { apps, findSession, link, lostSinceMs, session, signOut, system } from '../data/store.ts';
import { chooseTheme, theme, THEMES } from '../data/theme.ts';
import { chooseLanguage, language, t } from '../i18n/i18n.ts';
import { AppView } from '../views/app.tsx';
import { AppsView } from '../views/apps.tsx';
import { CallersView } from '../views/callers.tsx';
import { SignInView } from '../views/sign-in.tsx';
import { SystemView } from '../views/system.tsx';
import { FindingBanner } from './finding-banner.tsx';
import { Loading } from './small.tsx';

const findings = computed(() => findingsOf(apps.value?.values() ?? [], system.value, lostSinceMs.value));
/** The page of an app says itself what is wrong with that app alone. */
const shownFindings = computed(() => {
  const current = route.value;
  if (current.view !== 'app') return findings.value;
  return findings.value.filter((finding) => {
    const [first, second] = 'apps' in finding ? finding.apps : [];
    return first?.app !== current.app || second !== undefined;
  });
});

export function Shell() {
  const { value: mine } = session;
  return (
    <>
      <a class="skip" href="#content" onClick={focusContent}>
        {t.value.skip}
      </a>
      <Header />
      {mine === 'unknown' ? (
        <main id="content">
          <Loading />
        </main>
      ) : mine === 'unreachable' ? (
        <Unreachable />
      ) : mine === null ? (
        <SignInView />
      ) : (
        <SignedIn />
      )}
    </>
  );
}

/** Without changing the hash, which names the view. */
function focusContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Unreachable() {
  return (
    <main id="content" tabIndex={-1}>
      <div class="placeholder" role="alert">
        <p>{t.value.signIn.noAnswer}</p>
        <button type="button" onClick={() => void findSession()}>
          {t.value.retry}
        </button>
      </div>
    </main>
  );
}

const VIEWS = ['apps', 'callers', 'system'] as const;

function Header() {
  const texts = t.value;
  const { value: mine } = session;
  const isSignedIn = typeof mine === 'object' && mine !== null;
  return (
    <header class="top">
      <div class="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M16 5a11 11 0 1 1-10.4 7.4" />
          <circle cx="16" cy="16" r="4" />
        </svg>
        <span>{texts.title}</span>
      </div>
      {isSignedIn && (
        <nav aria-label={texts.nav.label}>
          {VIEWS.map((view) => (
            <a
              key={view}
              href={`#/${view}`}
              {...(isIn(view, route.value) && { 'aria-current': 'page' as const })}
            >
              {texts.nav[view]}
            </a>
          ))}
        </nav>
      )}
      <div class="top-end">
        {isSignedIn && (
          <span class={`link link-${link.value}`} role="status">
            <span>{texts.link[link.value]}</span>
          </span>
        )}
        <button
          type="button"
          lang={language.value === 'zh' ? 'en' : 'zh-CN'}
          onClick={() => {
            chooseLanguage(language.value === 'zh' ? 'en' : 'zh');
          }}
        >
          {texts.otherLanguage}
        </button>
        <ThemeButton />
        {isSignedIn && (
          <>
            <span class="who" title={mine.broker_version}>
              {mine.client}
            </span>
            <button type="button" onClick={() => void signOut()}>
              {texts.signOut}
            </button>
          </>
        )}
      </div>
    </header>
  );
}

/** Goes round: as the system, light, dark. */
function ThemeButton() {
  const label = t.value.theme(t.value.themes[theme.value]);
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={label}
      onClick={() => {
        chooseTheme(THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'auto');
      }}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true" class={`theme-${theme.value}`}>
        <circle cx="8" cy="8" r="6" />
        <path d="M8 2a6 6 0 0 1 0 12Z" />
      </svg>
    </button>
  );
}

const isIn = (view: (typeof VIEWS)[number], { view: current }: Route) =>
  current === view || (view === 'apps' && current === 'app');

function SignedIn() {
  const main = useRef<HTMLElement>(null);
  const current = route.value;
  const name = current.view === 'app' ? current.app : t.value.nav[current.view];
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${name} · ${t.peek().title}`;
    // A reader of the screen hears the new view; one of the eyes begins at its top.
    if (!isFirst.current) {
      main.current?.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [name]);
  return (
    <>
      <FindingBanner findings={shownFindings.value} />
      <main id="content" ref={main} tabIndex={-1}>
        <View route={current} />
      </main>
      <Announcer />
    </>
  );
}

function View({ route: current }: { route: Route }) {
  switch (current.view) {
    case 'apps':
      return <AppsView />;
    case 'app':
      return <AppView key={current.app} app={current.app} />;
    case 'callers':
      return <CallersView />;
    case 'system':
      return <SystemView />;
  }
}

const MAX_ANNOUNCED = 3;

/** Says aloud which apps changed their state, in a region that screens do not show. */
function Announcer() {
  const [text, setText] = useState('');
  const before = useRef(apps.peek());
  const now = apps.value;
  useEffect(() => {
    const old = before.current;
    before.current = now;
    if (!old || !now) return;
    const changed = [...now.values()].filter((row) => {
      const was = old.get(row.app);
      return was && was !== row && (was.state !== row.state || isWell(was) !== isWell(row));
    });
    if (changed.length === 0) return;
    const { apps: texts, state } = t.peek();
    setText(
      changed
        .slice(0, MAX_ANNOUNCED)
        .map((row) => texts.changed(row.app, state[row.state]))
        .join('; '),
    );
  }, [now]);
  return (
    <p class="visually-hidden" role="status" aria-label={t.value.nav.apps}>
      {text}
    </p>
  );
}
