import { useState } from 'preact/hooks';
import type { AppRow } from '../api-types.ts';
import type { Finding } from '../data/findings.ts';
import { clock, duration, relative } from '../data/format.ts';
import { hrefOfApp } from '../data/route.ts';
import { nowMs } from '../data/store.ts';
import { faultText, remedyText, t } from '../i18n/i18n.ts';

interface Said {
  readonly what: string;
  readonly todo: string;
  readonly href: string | null;
}

const names = (apps: readonly AppRow[]) => apps.map(({ app }) => app);
/** The app itself if it is one. */
const hrefOf = ([first, second]: readonly AppRow[]) => (first && !second ? hrefOfApp(first.app) : '#/apps');

/** A finding in the reader's language. */
function say(finding: Finding): Said {
  const messages = t.value;
  const texts = messages.finding;
  const now = nowMs.value;
  switch (finding.kind) {
    case 'link_lost':
      return { ...texts.linkLost(clock(finding.sinceMs, now, messages)), href: null };
    case 'store_down': {
      const { kind, since, message, remedy } = finding.store;
      const forHowLong = since === null ? '' : duration(now - Date.parse(since), messages);
      const todo = remedy === null ? (message ?? '') : remedyText(null, null, remedy);
      return {
        ...texts.storeDown(
          kind === 'redis' ? messages.system.redis : messages.system.store,
          forHowLong,
          todo,
        ),
        href: '#/system',
      };
    }
    case 'platform_down': {
      const { host, failing_apps: failing, remedy, message } = finding.platform;
      const { what, todo } = texts.platformDown(host, failing, finding.from);
      const own = remedy === null ? todo : remedyText(null, null, remedy);
      return { what: message === null ? what : `${what} (${message})`, todo: own, href: '#/system' };
    }
    case 'replica_gone':
      return {
        ...texts.replicaGone(finding.replicas, relative(finding.seenAt, now, messages)),
        href: '#/system',
      };
    case 'app_error': {
      const { apps, isServed } = finding;
      const [{ provider, last_error: error }] = apps as [AppRow];
      const code = error?.errcode == null ? '' : String(error.errcode);
      const { what } = texts.appError(names(apps), code, error?.message ?? '', isServed);
      return {
        what,
        todo: error ? remedyText(provider, error.errcode, error.remedy) : '',
        href: hrefOf(apps),
      };
    }
    case 'suspect': {
      const { apps } = finding;
      const [{ provider, suspect_reason: reason, last_error: error }] = apps as [AppRow];
      const why = reason === null ? (error?.message ?? '') : messages.suspectReason(reason);
      const { what, todo } = texts.suspect(names(apps), why);
      return {
        what,
        todo: error ? remedyText(provider, error.errcode, error.remedy) : todo,
        href: hrefOf(apps),
      };
    }
    case 'no_token':
      return { ...texts.noToken(names(finding.apps)), href: hrefOf(finding.apps) };
    case 'disagree':
      return { ...texts.disagree(names(finding.apps), finding.replicas), href: '#/system' };
    case 'config_faulty':
      return { ...texts.configFaulty(faultText(finding.fault)), href: '#/system' };
    case 'restart':
      return { ...texts.restart(finding.keys), href: '#/system' };
    case 'config_differs':
      return { ...texts.configDiffers(finding.replicas), href: '#/system' };
    case 'budget':
      return { ...texts.budget(names(finding.apps)), href: hrefOf(finding.apps) };
  }
}

/** One sentence for the worst that is wrong, and one for what to do; the rest on request. */
export function FindingBanner({ findings }: { findings: readonly Finding[] }) {
  const [isOpen, setIsOpen] = useState(false);
  const { finding: texts } = t.value;
  const [worst, ...others] = findings;
  return (
    <section aria-label={texts.label} class="findings">
      {worst && <One finding={worst} />}
      {isOpen && others.map((finding, index) => <One key={`${finding.kind}${index}`} finding={finding} />)}
      {others.length > 0 && (
        <button
          type="button"
          class="quiet findings-more"
          aria-expanded={isOpen}
          onClick={() => {
            setIsOpen(!isOpen);
          }}
        >
          {isOpen ? texts.less : texts.more(others.length)}
        </button>
      )}
      <p class="visually-hidden" role="status">
        {worst ? say(worst).what.replace(/ (for|since) .*?:/, ':') : ''}
      </p>
    </section>
  );
}

function One({ finding }: { finding: Finding }) {
  const { what, todo, href } = say(finding);
  return (
    <div class={`finding finding-${finding.severity}`} data-kind={finding.kind}>
      <svg class="finding-icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M8 1.5 15 14H1Z" />
        <path class="finding-mark" d="M8 6v4M8 11.6v.6" />
      </svg>
      <div class="finding-text">
        <p class="finding-what">{what}</p>
        {todo !== '' && <p class="finding-todo">{todo}</p>}
      </div>
      {href !== null && href !== location.hash && (
        <a class="finding-link" href={href} aria-label={`${t.value.finding.show}: ${what}`}>
          {t.value.finding.show}
        </a>
      )}
    </div>
  );
}
