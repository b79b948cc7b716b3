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

const pem = (label: string, base64: string) =>
  `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;

/** A certificate of 127.0.0.1, signed by itself, made for tests, until 2120. */
export const SELF_SIGNED = {
  key: pem(
    'PRIVATE KEY',
    'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDFB5g2wCzuSxhy5P' +
      'MCZPLIavOwzvBtZFMl2FKpq/0BehRANCAATt+sBuARQK/65HY6XDuKWQNI4b/L25' +
      '8T9IdvEnTfYjqJwLK0KmmvLp7c6ULKKTNWsJiodBEXgxEl66esJoIZaZ',
  ),
  cert: pem(
    'CERTIFICATE',
    'MIIBXTCCAQKgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAl0ZXN0IG9u' +
      'bHkwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM' +
      'CXRlc3Qgb25seTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABO36wG4BFAr/rkdj' +
      'pcO4pZA0jhv8vbnxP0h28SdN9iOonAsrQqaa8untzpQsopM1awmKh0EReDESXrp6' +
      'wmghlpmjQzBBMA8GA1UdEQQIMAaHBH8AAAEwDwYDVR0TAQH/BAUwAwEB/zAdBgNV' +
      'HQ4EFgQUoD/nk46WAYjAUb3FSqiXAW6hb6IwCgYIKoZIzj0EAwIDSQAwRgIhANWl' +
      'vu+A7QCxi3+JbE802hWSJC7kjrysE9wMau6Zub4bAiEA0JMU1hjssCM0TTACvDs8' +
      '3AT/zPD3hEjAjI9Y/zFD2Cc=',
  ),
};

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
