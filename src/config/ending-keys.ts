import { keysOfClient } from '../core/client-keys.js';
import type { ClientSection } from './client.section.js';

/** From so long before its end on, a key is one that somebody has to replace. */
const NOTICE_MS = 14 * 86_400_000;

/** An API key that ends soon, or has ended. */
export interface EndingKey {
  readonly client: string;
  readonly sha256: string;
  /** Of the wall clock. */
  readonly expiresAtMs: number;
  readonly hasEnded: boolean;
}

/** In the order of the configuration. */
export function endingKeys(clients: readonly ClientSection[], nowMs: number): readonly EndingKey[] {
  return clients.flatMap((client) =>
    keysOfClient(client).flatMap(({ sha256, expiresAtMs }) =>
      expiresAtMs === null || nowMs < expiresAtMs - NOTICE_MS
        ? []
        : [{ client: client.name, sha256, expiresAtMs, hasEnded: nowMs >= expiresAtMs }],
    ),
  );
}
