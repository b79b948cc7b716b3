import { signal } from '@preact/signals';

export type Route =
  { view: 'apps' } | { view: 'app'; app: string } | { view: 'callers' } | { view: 'system' };

/** What an address's hash names; the apps for what it does not know. */
function routeOf(hash: string): Route {
  const [, view, ...rest] = hash.split('/');
  if (view === 'apps' && rest.length > 0) {
    try {
      return { view: 'app', app: decodeURIComponent(rest.join('/')) };
    } catch {
      return { view: 'apps' };
    }
  }
  return view === 'callers' || view === 'system' ? { view } : { view: 'apps' };
}

export const hrefOfApp = (app: string): string => `#/apps/${encodeURIComponent(app)}`;

export const route = signal<Route>(routeOf(location.hash));
window.addEventListener('hashchange', () => {
  route.value = routeOf(location.hash);
});
