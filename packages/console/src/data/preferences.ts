/** What the reader chose, and nothing else, is kept in the browser. */
const PREFIX = 'console.';

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
