/** What the reader chose, and that there was a session, is kept in the browser; nothing else. */
const PREFIX = 'console.';
const SESSION = 'session';

/** Whether to ask for a session: the cookie shows itself to no script, and a refusal stands in the browser's console. */
export function mayHaveSession(): boolean {
  try {
    return localStorage.getItem(PREFIX + SESSION) !== null;
  } catch {
    return true; // storage is turned off
  }
}

export function rememberSession(isThere: boolean): void {
  if (isThere) remember(SESSION, 'opened');
  else forget(SESSION);
}

function forget(name: string): void {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // It was not kept either.
  }
}

export function recall<T extends string>(name: string, allowed: readonly T[]): T | undefined {
  try {
    const found = localStorage.getItem(PREFIX + name);
    return allowed.find((one) => one === found);
  } catch {
    return undefined; // storage is turned off
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // It holds for this page then.
  }
}
