import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../data/api.ts';

export interface Loaded<T> {
  readonly data: T | null;
  readonly error: ApiError | null;
  readonly reload: () => void;
}

/**
 * What `load` brings, for `key`; loaded again every `everyMs` while the page is visible. An error keeps what was there before.
 */
export function useLoaded<T>(key: string, load: () => Promise<T>, everyMs: number): Loaded<T> {
  const [state, setState] = useState<{ key: string; data: T | null; error: ApiError | null }>();
  const current = useRef(load);
  current.current = load;
  const reload = useRef<() => void>(() => undefined);

  useEffect(() => {
    let isOver = false;
    const ask = () => {
      current.current().then(
        (data) => {
          if (!isOver) setState({ key, data, error: null });
        },
        (error: unknown) => {
          if (isOver || !(error instanceof ApiError)) return;
          setState((old) => ({ key, data: old?.key === key ? old.data : null, error }));
        },
      );
    };
    reload.current = ask;
    ask();
    const timer = setInterval(() => {
      if (!document.hidden) ask();
    }, everyMs);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [key, everyMs]);

  const isOfKey = state?.key === key;
  return {
    data: isOfKey ? state.data : null,
    error: isOfKey ? state.error : null,
    reload: () => {
      reload.current();
    },
  };
}
