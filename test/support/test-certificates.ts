import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TestCertificates {
  /** PEM of the authority. */
  readonly ca: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Makes an authority and a certificate of it for `127.0.0.1` and `localhost`, or other names, with openssl, in the folder. */
export function makeCertificates(
  folder: string,
  { days = 30, names = 'IP:127.0.0.1,DNS:localhost' }: { days?: number; names?: string } = {},
): TestCertificates {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { stdio: 'pipe' });
  };
  const newKey = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
  openssl(
    ...newKey,
    '-x509',
    '-subj',
    '/CN=test authority',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.crt'),
  );
  openssl(...newKey, '-subj', '/CN=localhost', '-keyout', file('tls.key'), '-out', file('tls.csr'));
  writeFileSync(file('tls.ext'), `subjectAltName=${names}\n`);
  const authority = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-days',
    String(days),
    '-in',
    file('tls.csr'),
    ...authority,
    '-extfile',
    file('tls.ext'),
    '-out',
    file('tls.crt'),
  );
  return {
    ca: readFileSync(file('ca.crt'), 'utf8'),
    caFile: file('ca.crt'),
    certFile: file('tls.crt'),
    keyFile: file('tls.key'),
  };
}
