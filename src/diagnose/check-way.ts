import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import {
  connect as connectTls,
  type ConnectionOptions,
  type PeerCertificate,
  type TLSSocket,
} from 'node:tls';
import { type Clock, DAY_MS } from '../core/ports/clock.js';
import { faultOfCode, type FaultId } from '../platforms/http/network-fault.js';

/** What one step of a diagnosis found. */
export interface Finding {
  readonly step: string;
  readonly isGood: boolean;
  readonly text: string;
  /** What a person does about it; only where it is not good. */
  readonly remedy?: string;
}

export interface Way {
  readonly host: string;
  readonly port: number;
  /** Null: no TLS. */
  readonly tls: Pick<ConnectionOptions, 'ca' | 'servername'> | null;
  /** The address that connections come from; left out: the system chooses. */
  readonly localAddress?: string | undefined;
  readonly clock: Clock;
  readonly remedyOf: (fault: FaultId, step: string) => string;
}

const TIMEOUT_MS = 5000;

/** Looks at the way to a server step by step, and stops at the first that fails. Sends nothing but a TLS handshake. */
export async function checkWay(way: Way): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of [checkDns, checkTcp, ...(way.tls ? [checkTls] : [])]) {
    const finding = await check(way);
    findings.push(finding);
    if (!finding.isGood) break;
  }
  return findings;
}

async function checkDns(way: Way): Promise<Finding> {
  return timed(way, 'DNS', async () => {
    const addresses = await lookup(way.host, { all: true });
    return `${way.host} is ${addresses.map(({ address }) => address).join(', ')}`;
  });
}

async function checkTcp(way: Way): Promise<Finding> {
  return timed(way, 'TCP', async () => {
    const socket = connect({ host: way.host, port: way.port, ...localOf(way) });
    try {
      await up(socket, 'connect');
      return `connected to ${socket.remoteAddress ?? way.host} port ${String(way.port)}`;
    } finally {
      socket.destroy();
    }
  });
}

async function checkTls(way: Way): Promise<Finding> {
  return timed(way, 'TLS', async () => {
    // The certificate is shown even if it is not trusted; nothing is sent over this connection.
    const name = way.tls?.servername ?? (/^[\d.]+$|:/.test(way.host) ? undefined : way.host);
    const socket = connectTls({
      host: way.host,
      port: way.port,
      ...way.tls,
      ...localOf(way),
      ...(name !== undefined && { servername: name }),
      rejectUnauthorized: false,
    });
    try {
      await up(socket, 'secureConnect');
      const certificate = describeCertificate(socket.getPeerCertificate(), way.clock.wallMs());
      if (socket.authorized) return `${socket.getProtocol() ?? 'TLS'}, ${certificate}`;
      throw Object.assign(new Error(), { code: codeOf(socket), shown: certificate });
    } finally {
      socket.destroy();
    }
  });
}

function localOf({ localAddress }: Way) {
  return localAddress === undefined ? {} : { localAddress, family: isIP(localAddress) };
}

/** Node has a code here, although its type says that it is an error. */
function codeOf(socket: TLSSocket): string {
  const error: unknown = socket.authorizationError;
  return typeof error === 'string' ? error : ((error as { code?: string } | null)?.code ?? 'CERT_UNTRUSTED');
}

function describeCertificate(certificate: Partial<PeerCertificate>, nowMs: number): string {
  const { subject, issuer, valid_to: validTo } = certificate;
  const leftDays = Math.floor((Date.parse(validTo ?? '') - nowMs) / DAY_MS);
  const nameOf = (party: PeerCertificate['issuer'] | undefined) =>
    [party?.O, party?.CN].flat().filter(Boolean).join(', ');
  return `certificate of ${nameOf(subject)} by ${nameOf(issuer)}, until ${validTo ?? '?'} (${String(leftDays)} days)`;
}

function up(socket: Socket, upEvent: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(TIMEOUT_MS, () => {
      reject(Object.assign(new Error(), { code: 'ETIMEDOUT' }));
    });
    socket.once(upEvent, resolve);
    socket.on('error', reject);
  });
}

async function timed(way: Way, step: string, check: () => Promise<string>): Promise<Finding> {
  const startMs = way.clock.monotonicMs();
  try {
    const text = await check();
    return {
      step,
      isGood: true,
      text: `${text} (${String(Math.round(way.clock.monotonicMs() - startMs))} ms)`,
    };
  } catch (error) {
    const { code = 'unknown error', shown } = error as { code?: string; shown?: string };
    const fault = faultOfCode(code);
    const text = `${way.host} port ${String(way.port)}: ${code}${shown === undefined ? '' : `, ${shown}`}`;
    return { step, isGood: false, text, remedy: way.remedyOf(fault, step) };
  }
}
