import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../../core/ports/clock.js';
import type { Recognized } from './client-access.js';

/** What a connection's certificate says, once it was verified in the handshake. */
interface Shown {
  readonly names: readonly string[];
  readonly notAfterMs: number;
}

const NOTHING: Shown = { names: [], notAfterMs: -Infinity };

/** Whose a connection is by the certificate of its caller. */
export class ClientCertificates {
  /** A certificate does not change while its connection lasts, and reading it takes longer than all else. */
  private readonly shown = new WeakMap<TLSSocket, Shown>();

  /** @param clients by the names that certificates have: DNS names in lower case, and URIs */
  constructor(
    private readonly clients: ReadonlyMap<string, Recognized>,
    private readonly clock: Clock,
  ) {}

  /** `undefined` without a certificate, with one that has ended since, or that is nobody's, or of more than one client. */
  of(socket: Socket): Recognized | undefined {
    if (this.clients.size === 0 || !(socket instanceof TLSSocket) || !socket.authorized) return undefined;
    const shown = this.shown.get(socket) ?? read(socket);
    this.shown.set(socket, shown);
    if (this.clock.wallMs() > shown.notAfterMs) return undefined;
    const [first, ...others] = shown.names.flatMap((name) => this.clients.get(name) ?? []);
    return others.every(({ client }) => client === first?.client) ? first : undefined;
  }
}

function read(socket: TLSSocket): Shown {
  const { subjectaltname, valid_to: validTo } = socket.getPeerCertificate();
  return subjectaltname === undefined
    ? NOTHING
    : { names: namesIn(subjectaltname), notAfterMs: Date.parse(validTo) };
}

/** As Node writes them: a value with a comma, a quote or an odd character stands in quotes, and is none that a client can have. */
const NAME = /(?:^|, )(?:(DNS|URI):([^",]+)|[A-Za-z ]+:(?:"(?:[^"\\]|\\.)*"|[^",]*))(?=, |$)/gy;

/** The DNS names, in lower case, and the URIs; nothing at all of a text that is not wholly understood. */
export function namesIn(subjectAltName: string): string[] {
  let end = 0;
  const names = Array.from(
    subjectAltName.matchAll(NAME),
    ({ 0: { length }, 1: kind, 2: value = '', index }) => {
      end = index + length;
      if (kind === undefined) return [];
      return [kind === 'DNS' ? value.toLowerCase() : value];
    },
  );
  return end === subjectAltName.length ? names.flat() : [];
}
