import type { ClientUse } from '../../core/console/client-use.js';
import type { Callers } from '../auth/callers.js';
import type { ClientLimits } from '../limits/client-limits.js';

/**
 * What all clients did on this replica.
 *
 * @param counts what each of them did with all apps
 */
export function clientUses(
  callers: Callers,
  limits: ClientLimits,
  counts: ReadonlyMap<string, Pick<ClientUse, 'reads' | 'reports'>>,
): readonly ClientUse[] {
  return callers.all.map(({ name }) => ({
    client: name,
    ...(counts.get(name) ?? { reads: 0, reports: 0 }),
    refused: limits.of(name).refused,
    identities: callers
      .identitiesOf(name)
      .map(({ kind, id, uses, lastUsedAtMs }) => ({ kind, id, uses, lastUsedAtMs })),
  }));
}
