import type {
  AppDetail,
  AppList,
  AppRow,
  CallerList,
  HistoryPage,
  ProbeResult,
  RefreshResult,
  Session,
  SystemView,
} from '../api-types.ts';

const BASE = '/console/api';
const LIMIT_MS = 30_000;
const APPS_PER_PAGE = 1000;

/** The broker's refusal, or (status 0) that it did not answer. */
export class ApiError extends Error {
  readonly status: number;
  /** Stable, for programs: `unauthorized`, `forbidden`, … */
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

let csrf = '';
let whenUnauthorized: () => void = () => undefined;

/** Called once the session turns out to be over. */
export function onUnauthorized(listener: () => void): void {
  whenUnauthorized = listener;
}

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method,
      signal: AbortSignal.timeout(LIMIT_MS),
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(method !== 'GET' && csrf !== '' && { 'x-csrf-token': csrf }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, 'no_answer', '');
  }
  if (response.ok) return response;
  throw await refusal(response);
}

async function refusal(response: Response): Promise<ApiError> {
  const problem: unknown = await response.json().catch(() => null);
  const { code, detail } = Object(problem) as Record<string, unknown>;
  return new ApiError(
    response.status,
    typeof code === 'string' ? code : 'unknown',
    typeof detail === 'string' ? detail : `HTTP ${response.status}`,
  );
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  try {
    const response = await send(method, path, body);
    return (await response.json()) as T;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) whenUnauthorized();
    throw error;
  }
}

const at = (app: string) => `/apps/${encodeURIComponent(app)}`;

export const api = {
  async signIn(key: string): Promise<Session> {
    const session = (await (await send('POST', '/session', { key })).json()) as Session;
    csrf = session.csrf;
    return session;
  },

  /** Null when there is none. */
  async session(): Promise<Session | null> {
    try {
      const response = await send('GET', '/session');
      const session = (await response.json()) as Session;
      csrf = session.csrf;
      return session;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },

  async signOut(): Promise<void> {
    await send('DELETE', '/session');
    csrf = '';
  },

  async apps(): Promise<AppRow[]> {
    const rows: AppRow[] = [];
    let after: string | null = '';
    while (after !== null) {
      const query = new URLSearchParams({ limit: String(APPS_PER_PAGE), ...(after && { after }) });
      const page: AppList = await call<AppList>('GET', `/apps?${query.toString()}`);
      rows.push(...page.items);
      after = page.next;
    }
    return rows;
  },

  app: (app: string) => call<AppDetail>('GET', at(app)),
  history(app: string, before: string | null): Promise<HistoryPage> {
    const query = new URLSearchParams({ limit: '200', ...(before !== null && { before }) });
    return call<HistoryPage>('GET', `${at(app)}/history?${query.toString()}`);
  },
  probe: (app: string) => call<ProbeResult>('POST', `${at(app)}/probe`, {}),
  refresh: (app: string, reason: string) => call<RefreshResult>('POST', `${at(app)}/refresh`, { reason }),
  callers: () => call<CallerList>('GET', '/callers'),
  system: () => call<SystemView>('GET', '/system'),

  /** The open stream, of which each line counts as a sign of life. Rejects with ApiError. */
  async stream(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    let response: Response;
    try {
      response = await fetch(`${BASE}/stream`, { signal, headers: { accept: 'text/event-stream' } });
    } catch {
      throw new ApiError(0, 'no_answer', '');
    }
    if (!response.ok) throw await refusal(response);
    if (!response.body) throw new ApiError(0, 'no_answer', '');
    return response.body;
  },
};
