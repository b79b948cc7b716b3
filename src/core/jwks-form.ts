import { isObject } from './json-object.js';

/** A JWKS has a handful of keys; more are a mistake, or somebody who wants to keep the broker busy. */
const MAX_KEYS = 100;

/** What is wrong with the text of a JWKS; undefined when nothing is. Says nothing of each key: one of an unknown kind is none that fits. */
export function jwksForm(text: string): string | undefined {
  let jwks: unknown;
  try {
    jwks = JSON.parse(text);
  } catch {
    return 'must be a JWKS: JSON such as {"keys": […]}';
  }
  if (!isObject(jwks) || !Array.isArray(jwks.keys) || !jwks.keys.every(isObject)) {
    return 'must be a JWKS: JSON such as {"keys": […]}';
  }
  const { length } = jwks.keys;
  if (length < 1 || length > MAX_KEYS) return `must have 1 to ${MAX_KEYS} keys, got ${length}`;
  return jwks.keys.some((key) => 'd' in key || 'k' in key)
    ? 'must have public keys only: this one holds a private or a shared key; take it out, and replace it at its issuer'
    : undefined;
}
