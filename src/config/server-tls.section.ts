import { createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Fault } from './faults.js';
import { About, Optional, SecretText } from './keys.js';
import { Secret } from './secret.js';
import { certificatesForm } from './secret-text.js';
import { isMapping } from './values.js';

/** HTTPS, TLS 1.2 and 1.3. */
export class ServerTlsSection {
  @About('the certificate of the server and those between it and its authority, in PEM; its own first')
  @SecretText(certificatesForm)
  readonly cert!: Secret;

  @About('the private key of the certificate, in PEM, without a passphrase')
  @SecretText(privateKeyForm)
  readonly key!: Secret;

  @About(
    "the authority of callers' certificates, in PEM: a certificate of it makes a caller that `clients[].certificates` names. Callers without one need a key or a JWT as ever",
  )
  @Optional()
  @SecretText(certificatesForm)
  readonly clientCa?: Secret;
}

function privateKeyForm(text: string): string | undefined {
  if (/-----BEGIN (?:[A-Z]+ )*ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text)) {
    return 'must have no passphrase: the broker has nobody to ask for it';
  }
  try {
    createPrivateKey(text);
    return undefined;
  } catch {
    return 'must be a private key in PEM';
  }
}

/** Whether certificate and key belong together. */
export function tlsFaults(tls: unknown): Fault[] {
  if (!isMapping(tls) || !(tls.cert instanceof Secret) || !(tls.key instanceof Secret)) return [];
  try {
    createSecureContext({ cert: tls.cert.value(), key: tls.key.value() });
    return [];
  } catch {
    return [{ path: 'server.tls.key', text: 'does not belong to the certificate in server.tls.cert' }];
  }
}
