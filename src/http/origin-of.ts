import type { FastifyRequest } from 'fastify';
import type { AuditOrigin } from '../core/audit-entry.js';

/** Where a request came from, for the audit trail. */
export function originOf({ id, ip }: FastifyRequest): AuditOrigin {
  return { requestId: id, remote: ip };
}
