import { computed, effect, signal } from '@preact/signals';
import { recall, remember } from './preferences.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(prefersDark.matches);
prefersDark.addEventListener('change', ({ matches }) => {
  systemIsDark.value = matches;
});

export const theme = signal<Theme>(recall('theme', THEMES) ?? 'auto');

/** Whether the page is dark now, by choice or by the system. */
export const isDark = computed(() => (theme.value === 'auto' ? systemIsDark.value : theme.value === 'dark'));

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen;
  remember('theme', chosen);
}

effect(() => {
  document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light';
});
