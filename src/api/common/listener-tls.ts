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
