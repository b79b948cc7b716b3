import { batch, computed, signal } from '@preact/signals';
import type { AppRow, HistoryEvent, Session, SystemView } from '../api-types.ts';
import { api, ApiError, onUnauthorized } from './api.ts';
import { EventStreamParser, type StreamEvent } from './event-stream.ts';
import { mayHaveSession, rememberSession } from './preferences.ts';

/** `unknown` until the broker was asked; null: nobody is signed in. */
export const session = signal<Session | null | 'unknown' | 'unreachable'>('unknown');
/** `other`: the broker did not say which. */
type EndOfSession = 'signed_out' | 'expired' | 'key_removed' | 'scope_lost' | 'other';
/** Why there is no session any more. */
export const ended = signal<EndOfSession | null>(null);

/** All apps that this client may see, by name; a new map for each batch of changes. Null until they are loaded. */
export const apps = signal<ReadonlyMap<string, AppRow> | null>(null);
export const appsError = signal<ApiError | null>(null);
export const system = signal<SystemView | null>(null);
export const link = signal<'connecting' | 'live' | 'lost'>('connecting');
/** Since when the broker is not heard any more, in milliseconds of this browser's clock. */
export const lostSinceMs = signal<number | null>(null);

/** The broker's clock less this browser's. */
const skewMs = signal(0);
const browserNowMs = signal(Date.now());
/** The broker's time, once a second. */
export const nowMs = computed(() => browserNowMs.value + skewMs.value);

const FLUSH_MS = 200;
const RETRY_MS = 1000;
/** The broker sends a line every 15 s. */
const SILENCE_MS = 35_000;
const MAX_CONNECT_MS = 8000;

const historyListeners = new Set<(event: HistoryEvent) => void>();

/** Hears each event of all apps; returns what ends that. */
export function listenToHistory(listener: (event: HistoryEvent) => void): () => void {
  historyListeners.add(listener);
  return () => historyListeners.delete(listener);
}

export async function start(): Promise<void> {
  setInterval(() => (browserNowMs.value = Date.now()), 1000);
  window.addEventListener('online', () => {
    connection?.retryNow();
  });
  window.addEventListener('offline', () => {
    connection?.cut();
  });
  onUnauthorized(() => {
    leave('other');
  });
  if (mayHaveSession()) await findSession();
  else session.value = null;
}

/** Asks whether this browser is signed in already. */
export async function findSession(): Promise<void> {
  try {
    const found = await api.session();
    if (found) enter(found);
    else leave(null);
  } catch {
    session.value = 'unreachable';
  }
}

export async function signIn(key: string): Promise<void> {
  enter(await api.signIn(key));
}

export async function signOut(): Promise<void> {
  // Without an answer the session ends by itself; this page forgets it either way.
  await api.signOut().catch(() => undefined);
  leave('signed_out');
}

function enter(found: Session): void {
  rememberSession(true);
  batch(() => {
    session.value = found;
    ended.value = null;
  });
  connection?.close();
  connection = new Connection();
  void connection.run();
}

function leave(why: EndOfSession | null): void {
  rememberSession(false);
  connection?.close();
  connection = null;
  batch(() => {
    session.value = null;
    ended.value = why;
    apps.value = null;
    appsError.value = null;
    system.value = null;
    link.value = 'connecting';
    lostSinceMs.value = null;
  });
}

export function takeSystem(view: SystemView): void {
  skewMs.value = Date.parse(view.at) - Date.now();
  system.value = view;
}

/** Loads all anew, as after each start of a stream: what happened between two streams was not heard. */
export async function load(): Promise<void> {
  await connection?.load();
}

let connection: Connection | null = null;

/** The one stream of the page, and what came with it. Connects again until it is closed. */
class Connection {
  #isClosed = false;
  #controller = new AbortController();
  #wake: () => void = () => undefined;
  /** Rows that came and are not shown yet; null: removed. */
  #changes = new Map<string, AppRow | null>();
  #flushTimer: number | undefined;
  #isLoading = false;

  async run(): Promise<void> {
    while (!this.#isClosed) {
      this.#controller = new AbortController();
      try {
        await this.#read();
      } catch (error) {
        if (this.#closed()) return;
        if (error instanceof ApiError && error.status === 401) {
          leave('other');
          return;
        }
      }
      if (this.#closed()) return;
      batch(() => {
        link.value = 'lost';
        lostSinceMs.value ??= Date.now();
      });
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, RETRY_MS);
      });
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#controller.abort();
    clearTimeout(this.#flushTimer);
    this.#wake();
  }

  cut(): void {
    this.#controller.abort();
  }

  retryNow(): void {
    this.#wake();
  }

  #closed(): boolean {
    return this.#isClosed;
  }

  async #read(): Promise<void> {
    const controller = this.#controller;
    const cut = () => {
      controller.abort();
    };
    let silence = setTimeout(cut, MAX_CONNECT_MS);
    try {
      const body = await api.stream(controller.signal);
      batch(() => {
        link.value = 'live';
        lostSinceMs.value = null;
      });
      void this.load();
      const parser = new EventStreamParser();
      const decoder = new TextDecoder();
      const reader = body.getReader();
      for (;;) {
        clearTimeout(silence);
        silence = setTimeout(cut, SILENCE_MS);
        const { done, value } = await reader.read();
        if (done) return;
        for (const event of parser.push(decoder.decode(value, { stream: true }))) this.#take(event);
      }
    } finally {
      clearTimeout(silence);
    }
  }

  async load(): Promise<void> {
    this.#isLoading = true;
    try {
      const [rows, view] = await Promise.all([api.apps(), api.system()]);
      if (this.#isClosed) return;
      batch(() => {
        apps.value = new Map(rows.map((row) => [row.app, row]));
        appsError.value = null;
        takeSystem(view);
      });
    } catch (error) {
      if (!this.#isClosed && error instanceof ApiError) appsError.value = error;
    } finally {
      this.#isLoading = false;
      // What came meanwhile is newer than the list.
      this.#flush();
    }
  }

  #take({ event, data }: StreamEvent): void {
    const parsed = JSON.parse(data) as unknown;
    if (event === 'app') {
      const row = parsed as AppRow;
      this.#change(row.app, row);
    } else if (event === 'app_removed') this.#change((parsed as { app: string }).app, null);
    else if (event === 'system') takeSystem(parsed as SystemView);
    else if (event === 'history') for (const hear of historyListeners) hear(parsed as HistoryEvent);
    else if (event === 'session_ended') leave((parsed as { why: EndOfSession }).why);
  }

  #change(app: string, row: AppRow | null): void {
    this.#changes.set(app, row);
    this.#flushTimer ??= window.setTimeout(() => {
      this.#flush();
    }, FLUSH_MS);
  }

  #flush(): void {
    if (this.#isLoading) return;
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (this.#isClosed || !apps.value || this.#changes.size === 0) return;
    const next = new Map(apps.value);
    for (const [app, row] of this.#changes) {
      if (row) next.set(app, row);
      else next.delete(app);
    }
    this.#changes.clear();
    apps.value = next;
  }
}
