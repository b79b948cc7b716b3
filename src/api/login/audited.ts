import type { FastifyRequest } from 'fastify';
import type { AuditAction } from '../../core/ports/audit-entry.js';
import type { AppName } from '../../core/token.js';
import type { AuditedAct } from '../common/request.js';

/** Whom a login is about, as far as somebody found out. */
interface About {
  readonly app?: AppName;
  readonly openid?: string;
  readonly snapshot?: boolean;
}

/**
 * Does what is to be recorded, whatever becomes of it: the problem filter adds why it failed.
 *
 * @param app null where it is found on the way; `work` then tells it
 */
export async function audited<T>(
  request: FastifyRequest,
  action: AuditAction,
  app: AppName | null,
  work: (found: (about: About) => void) => Promise<T>,
): Promise<T> {
  let act: AuditedAct = { action, app };
  request.audited = act;
  return work(({ app: foundApp, openid, snapshot }) => {
    act = {
      ...act,
      app: app ?? foundApp ?? act.app,
      ...(openid !== undefined && { openid }),
      ...(snapshot === true && { reason: 'snapshot' }),
    };
    request.audited = act;
  });
}
