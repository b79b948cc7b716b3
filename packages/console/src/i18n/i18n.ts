import { computed, effect, signal } from '@preact/signals';
import { recall, remember } from '../data/preferences.ts';
import { en, type Messages } from './en.ts';
import { remedyInChinese } from './remedies.zh.ts';
import { zh } from './zh.ts';

export type Language = 'en' | 'zh';

const browsers = (): Language => (navigator.languages[0]?.startsWith('zh') ? 'zh' : 'en');

/** The browser's, until somebody chooses. */
export const language = signal<Language>(recall('language', ['en', 'zh']) ?? browsers());

export const t = computed<Messages>(() => (language.value === 'zh' ? zh : en));

export function chooseLanguage(chosen: Language): void {
  language.value = chosen;
  remember('language', chosen);
}

/** How a broker without a console ends a remedy. */
const FORCE = ' Once that is mended, POST /token/refresh with "force": true asks at once.';

/** What to do, as the broker says it, in the reader's language where there is a translation. */
export function remedyText(provider: string | null, errcode: number | string | null, remedy: string): string {
  const isForceOfUse = remedy.endsWith(FORCE);
  const own = isForceOfUse ? remedy.slice(0, -FORCE.length) : remedy;
  const text = language.value === 'zh' ? remedyInChinese(provider, errcode, own) : own;
  return isForceOfUse ? `${text}${t.value.app.thenRefresh}` : text;
}

/** Large, and rarely wanted: loaded when a Chinese reader is shown the first fault. Null until then. */
const faultInChinese = signal<((fault: string) => string) | null>(null);
let isAskedFor = false;

/** A fault of the configuration, as the broker says it, in the reader's language. */
export function faultText(fault: string): string {
  if (language.value !== 'zh') return fault;
  if (!isAskedFor) {
    isAskedFor = true;
    import('./faults.zh.ts').then(
      (texts) => (faultInChinese.value = texts.faultInChinese),
      () => (isAskedFor = false),
    );
  }
  return faultInChinese.value?.(fault) ?? fault;
}

effect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en';
});
