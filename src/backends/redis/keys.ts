import type { AppName } from '../../core/token.js';

/** The keys of one app. The braces are a hash tag: Redis Cluster keeps them on one node, so that a script may use them together. */
export function appKeys(
  prefix: string,
  app: AppName,
): { readonly state: string; readonly fence: string; readonly lease: string } {
  const base = `${prefix}{${app}}`;
  return { state: `${base}:state`, fence: `${base}:fence`, lease: `${base}:lease` };
}

/** Where rotations are announced. */
export function rotationChannel(prefix: string): string {
  return `${prefix}rotations`;
}
