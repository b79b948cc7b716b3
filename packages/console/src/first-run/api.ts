import { rememberSession } from '../data/preferences.ts';

/** What the platform says to an account; the token that it gives is shown to nobody. */
export interface Trial {
  readonly ok: boolean;
  readonly expires_in: number | null;
  readonly errcode: number | string | null;
  readonly message: string | null;
  readonly remedy: string | null;
  /** By which the platform sees this machine, and that its whitelist lacks. */
  readonly address: string | null;
}

export interface Written {
  readonly config_file: string;
  readonly secret_file: string;
  readonly url: string;
  /** Shown once: they stand nowhere else. */
  readonly keys: { readonly services: string; readonly operator: string };
  readonly snippets: readonly { readonly id: string; readonly title: string; readonly text: string }[];
}

export interface Account {
  readonly app_id: string;
  readonly app_secret: string;
}

/** What the broker refused, or (no code) that it did not answer. `field` is the one to change. */
export class Refusal extends Error {
  readonly code: string;
  readonly field: string | null;

  constructor(code: string, detail: string, field: string | null) {
    super(detail);
    this.code = code;
    this.field = field;
  }
}

async function post<T>(path: string, body: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/first-run/api/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Refusal('', '', null);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as T;
  const { code, detail, field } = Object(answer) as Record<string, unknown>;
  throw new Refusal(
    typeof code === 'string' ? code : 'unknown',
    typeof detail === 'string' ? detail : `HTTP ${response.status}`,
    typeof field === 'string' ? field : null,
  );
}

/** Shows the code of the link, which works once, and takes it out of the address. */
export async function openLink(): Promise<void> {
  const code = location.hash.slice(1);
  history.replaceState(null, '', location.pathname);
  await post('session', { code });
}

export const check = (account: Account) => post<Trial>('check', account);
export const finish = (app: string, account: Account) => post<Written>('finish', { app, ...account });

const POLL_MS = 300;

/** Waits until the broker serves, and resolves to the state of its app. */
export async function whenServed(key: string): Promise<string> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    try {
      const response = await fetch('/apps', { headers: { authorization: `Bearer ${key}` } });
      const [app] = response.ok ? ((await response.json()) as { state: string }[]) : [];
      if (app && app.state !== 'pending') return app.state;
    } catch {
      // Between the page's server and the broker nobody listens.
    }
  }
}

/** Signs in at the console of the broker that runs now, and goes there. */
export async function openConsole(key: string): Promise<void> {
  const { ok } = await fetch('/console/api/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key }),
  });
  if (ok) rememberSession(true);
  location.assign('/console');
}
