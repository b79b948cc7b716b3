import type { FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { AuditOrigin } from '../../core/ports/audit-entry.js';

const NO_SOCKET = 'unknown';
/** An IPv6 address has 45 characters at most; with the name of an interface, which Node lets pass, it has no end. */
const MAX_ADDRESS_CHARACTERS = 45;
const MAX_FORWARDED_CHARACTERS = 100;

/** Where a request came from, for the audit trail. A socket that takes both families shows IPv4 as `::ffff:10.0.0.7`. */
export function originOf({ id, ip, raw }: FastifyRequest): AuditOrigin {
  const remote = isAddress(ip) ? ip : (raw.socket.remoteAddress ?? NO_SOCKET);
  return { requestId: id, remote: remote.replace(/^::ffff:(?=\d+\.)/i, ''), via: viaOf(raw) };
}

/** What the address is worked out of: the socket's, and what a proxy adds. Bounded, not checked, and cheap: for the hot path. */
export function viaOf({ socket: { remoteAddress = NO_SOCKET }, headers }: IncomingMessage): string {
  const forwarded = headers['x-forwarded-for'];
  return forwarded === undefined
    ? remoteAddress
    : `${remoteAddress} ${String(forwarded).slice(-MAX_FORWARDED_CHARACTERS)}`;
}

/** A trusted proxy passes on what its caller wrote into X-Forwarded-For, whatever that is. */
function isAddress(text: string): boolean {
  return text.length <= MAX_ADDRESS_CHARACTERS && !text.includes('%') && isIP(text) !== 0;
}
