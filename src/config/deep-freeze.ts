/** Freezes the object and all that it holds. Private fields, as in `Secret`, stay as they are. */
export function deepFreeze<T extends object>(root: T): T {
  for (const child of Object.values(root) as unknown[]) {
    if (typeof child === 'object' && child !== null) deepFreeze(child);
  }
  return Object.freeze(root);
}
