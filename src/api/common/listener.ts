import { X509Certificate } from 'node:crypto';
import type { Server } from 'node:http';
import {
  createSecureContext,
  type SecureContextOptions,
  type Server as NodeTlsServer,
  type TlsOptions,
} from 'node:tls';
import type { ServerTlsSection } from '../../config/server.section.js';
import type { Clock } from '../../core/ports/clock.js';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Certificate and key are files of their own: until both are new, they do not belong together. */
const MISMATCH_PATIENCE_MS = 10_000;

/** Is told what becomes of the certificate of the server. */
export abstract class TlsObserver {
  /** From now on new connections get it. When it begins and ends, of the wall clock. */
  abstract certificateUsed(notBeforeMs: number, notAfterMs: number, names: string): void;
  /** The one from before is used on. */
  abstract certificateUnusable(file: string, reason: string): void;
}

/** A server of HTTPS; its type does not say so. */
export type TlsServer = Server & Partial<Pick<NodeTlsServer, 'setSecureContext'>>;

/** For the server's creation, before there is anything to tell. */
export function tlsOptions({ cert, key, clientCa }: ServerTlsSection): TlsOptions {
  return {
    ...contextOf(cert.value(), key.value(), clientCa?.value()),
    // A certificate that is not taken is none: its caller may have a key.
    ...(clientCa && { requestCert: true, rejectUnauthorized: false }),
    handshakeTimeout: 10_000,
    ALPNProtocols: ['http/1.1'],
  };
}

function contextOf(cert: string, key: string, ca: string | undefined): SecureContextOptions {
  return { cert, key, ca, minVersion: 'TLSv1.2' };
}

/** Has servers use the content of the files when it changes. Connections that are there stay as they are. */
export class ListenerTls {
  private readonly watches: (() => void)[];
  private stopWaiting: () => void = () => undefined;

  constructor(
    private readonly section: ServerTlsSection,
    private readonly servers: readonly TlsServer[],
    private readonly clock: Clock,
    private readonly observer: TlsObserver,
  ) {
    const { cert, key, clientCa } = section;
    this.watches = Object.entries({ cert, key, clientCa }).flatMap(([name, secret]) =>
      secret
        ? [
            secret.onChange(
              () => {
                this.swap();
              },
              (reason) => {
                observer.certificateUnusable(name, reason);
              },
            ),
          ]
        : [],
    );
    this.tell();
  }

  close(): void {
    this.stopWaiting();
    for (const stop of this.watches) stop();
  }

  private swap(): void {
    this.stopWaiting();
    const { cert, key, clientCa } = this.section;
    const options = contextOf(cert.value(), key.value(), clientCa?.value());
    try {
      createSecureContext(options);
    } catch {
      this.stopWaiting = this.clock.after(MISMATCH_PATIENCE_MS, () => {
        this.observer.certificateUnusable('key', 'does not belong to the certificate');
      });
      return;
    }
    for (const server of this.servers) server.setSecureContext?.(options);
    this.tell();
  }

  private tell(): void {
    const { validFrom, validTo, subjectAltName = '' } = new X509Certificate(this.section.cert.value());
    this.observer.certificateUsed(Date.parse(validFrom), Date.parse(validTo), subjectAltName);
  }
}

type CanListen = (address: string) => Promise<boolean>;

const LISTEN_REMEDIES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has this port: end that one, or choose another with PORT or server.port',
  EACCES: 'this user may not open this port: choose one from 1024 on with PORT or server.port',
  EADDRNOTAVAIL:
    'this machine has no such address: correct HOST or server.host, or leave it out for all addresses',
};

/**
 * The address to listen on: the configured one; without one `::`, which takes IPv6 and IPv4, or `0.0.0.0` where the kernel
 * has no IPv6.
 *
 * @param canListen for tests: whether a socket can be bound to this address
 */
export async function listenHost(configured: string | null, canListen: CanListen = bindsTo): Promise<string> {
  if (configured !== null) return configured;
  return (await canListen('::')) ? '::' : '0.0.0.0';
}

async function bindsTo(address: string): Promise<boolean> {
  const server = createServer().listen(0, address);
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** What a person does about a port that cannot be opened; undefined for every other failure of a start. */
export function listenRemedy(error: unknown): string | undefined {
  const { syscall, code } = error as NodeJS.ErrnoException;
  return syscall === 'listen' ? LISTEN_REMEDIES[code ?? ''] : undefined;
}
