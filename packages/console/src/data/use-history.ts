import { useCallback, useEffect, useState } from 'preact/hooks';
import type { HistoryEvent } from '../api-types.ts';
import { api, ApiError } from './api.ts';
import { link, listenToHistory } from './store.ts';

/** Pages of 200 that are loaded for the timeline without being asked. */
const PAGES_AT_ONCE = 5;

export interface History {
  /** Newest first; null until they are loaded. */
  readonly events: readonly HistoryEvent[] | null;
  readonly error: ApiError | null;
  /** Null when there are no older ones. */
  readonly loadOlder: (() => void) | null;
  readonly reload: () => void;
}

interface State {
  readonly app: string;
  readonly events: readonly HistoryEvent[] | null;
  readonly next: string | null;
  readonly error: ApiError | null;
}

const none = (app: string): State => ({ app, events: null, next: null, error: null });

/** By id and newest first, whichever way and order they came. */
function merged(...lists: readonly (readonly HistoryEvent[])[]): HistoryEvent[] {
  const byId = new Map(lists.flat().map((event) => [event.id, event]));
  return [...byId.values()].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : a.id < b.id ? 1 : -1));
}

/** The events of an app: those that were, and those that come by the stream. */
export function useHistory(app: string): History {
  const [state, setState] = useState<State>(none(app));
  const of = state.app === app ? state : none(app);

  const load = useCallback(
    async (from: string | null, pages: number) => {
      let before = from;
      try {
        for (let page = 0; page < pages; page++) {
          const { events, next } = await api.history(app, before);
          setState((old) => ({
            app,
            events: merged(old.app === app ? (old.events ?? []) : [], events),
            next,
            error: null,
          }));
          if (next === null) return;
          before = next;
        }
      } catch (error) {
        if (error instanceof ApiError) setState((old) => ({ ...(old.app === app ? old : none(app)), error }));
      }
    },
    [app],
  );

  const isLive = link.value === 'live';
  useEffect(() => {
    // Again after each gap in the stream.
    if (isLive) void load(null, PAGES_AT_ONCE);
  }, [load, isLive]);

  useEffect(
    () =>
      listenToHistory((event) => {
        if (event.app !== app) return;
        setState((old) => ({
          ...old,
          app,
          events: merged(old.app === app ? (old.events ?? []) : [], [event]),
        }));
      }),
    [app],
  );

  const { next } = of;
  return {
    events: of.events,
    error: of.error,
    loadOlder: next === null ? null : () => void load(next, 1),
    reload: () => void load(null, PAGES_AT_ONCE),
  };
}
