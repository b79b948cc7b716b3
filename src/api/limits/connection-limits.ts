import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { endSocketWithProblem } from '../common/answer-client-error.js';
import { problem } from '../common/problem.js';
import { remoteOf, type HttpObserver } from '../common/request.js';

/** Files that the process needs besides callers' connections: Redis, platforms, log and audit files. */
const OTHER_FILES = 200;
/** Refused connections that still get their answer. */
const MAX_LINGERING = 100;

export interface MaxConnections {
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

/** How many files the process may have open; `Infinity` where the system does not say. */
export function maxOpenFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}

/** What there are files for: a process without any can answer nobody, also not those whom it should. */
export function withinOpenFiles(wanted: MaxConnections, openFiles: number): MaxConnections {
  const connections = Math.max(1, Math.min(wanted.connections, openFiles - OTHER_FILES));
  const ofOne = connections < wanted.connections ? Math.ceil(connections / 2) : connections;
  return { connections, connectionsPerAddress: Math.min(wanted.connectionsPerAddress, ofOne) };
}

/** Refuses a server's connections beyond what is allowed in all and of one address, before anything is read from them. */
export class ConnectionLimits {
  private open = 0;
  private lingering = 0;
  private readonly bySource = new Map<string, number>();

  constructor(
    private readonly max: () => MaxConnections,
    private readonly observer: HttpObserver,
  ) {}

  /** Comes before the listeners that the server has by now. */
  guard(server: Server): void {
    const isTls = 'setSecureContext' in server;
    const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      const limit = this.takePlace(socket);
      if (limit === null) for (const listener of listeners) listener.call(server, socket);
      else this.refuse(socket, limit, isTls);
    });
  }

  /** The limit that leaves no place for the connection; null: it has one until it closes. */
  private takePlace(socket: Socket): 'connections' | 'address_connections' | null {
    const { connections, connectionsPerAddress } = this.max();
    const source = sourceOf(remoteOf(socket));
    const ofSource = this.bySource.get(source) ?? 0;
    if (ofSource >= connectionsPerAddress) return 'address_connections';
    if (this.open >= connections) return 'connections';
    this.open += 1;
    this.bySource.set(source, ofSource + 1);
    socket.once('close', () => {
      this.open -= 1;
      const left = (this.bySource.get(source) ?? 1) - 1;
      if (left > 0) this.bySource.set(source, left);
      else this.bySource.delete(source);
    });
    return null;
  }

  /** With TLS there is no way to say why before the handshake, which is what costs. */
  private refuse(socket: Socket, limit: 'connections' | 'address_connections', isTls: boolean): void {
    this.observer.overloaded(limit, remoteOf(socket));
    socket.on('error', () => socket.destroy());
    if (isTls || this.lingering >= MAX_LINGERING) {
      socket.destroy();
      return;
    }
    this.lingering += 1;
    socket.once('close', () => {
      this.lingering -= 1;
    });
    const { connections, connectionsPerAddress } = this.max();
    const detail = {
      connections: `This replica has ${connections} connections, its limits.connections.`,
      address_connections: `This address has ${connectionsPerAddress} connections, the limits.connectionsPerAddress: keep connections and use them again.`,
    }[limit];
    endSocketWithProblem(socket, { ...problem('overloaded', detail, { retryAfterSeconds: 5 }), limit });
  }
}

const GROUPS_OF_A_NETWORK = 4;

/** What counts as one address: of IPv6 the network of 64 bits, because that is what one machine is given. */
export function sourceOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  const network = groups.slice(0, GROUPS_OF_A_NETWORK).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${network.join(':').toLowerCase()}::/64`;
}
