import type { FastifyRequest } from 'fastify';
import type { AuditOrigin } from '../core/audit-entry.js';

/** Where a request came from, for the audit trail. A socket that takes both families shows IPv4 as `::ffff:10.0.0.7`. */
export function originOf({ id, ip }: FastifyRequest): AuditOrigin {
  return { requestId: id, remote: ip.replace(/^::ffff:(?=\d+\.)/i, '') };
}
