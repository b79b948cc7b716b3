import { jwksForm } from '../core/jwks-form.js';
import { problem, ReadFault } from './faults.js';
import { About, Check, InChart, Optional, Section, SectionList, SecretText, Text } from './keys.js';
import { readText } from './read-file.js';
import type { Secret } from './secret.js';
import { certificatesForm } from './secret-text.js';
import { isLoopback, parseUrl } from './values.js';

const WORD = /^[\x21-\x7e]{1,255}$/;
const WORD_FORM = 'text of 1 to 255 visible ASCII characters without spaces';
/** Names of objects in Kubernetes. */
const KUBERNETES_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const KUBERNETES_NAME_FORM = 'a name as Kubernetes has it: lower-case letters, digits, dots and dashes';
/** A DNS name or a URI. */
const SAN = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[a-z][a-z0-9+.-]{0,19}:\/\/[\x21-\x7e]{1,255})$/;
const MAX_FILE_BYTES = 64 * 1024;

/** Whose JWTs are taken, and where the keys are that verify them. */
export class JwtIssuerSection {
  @About('who issues them: the claim `iss`, letter by letter')
  @Text(WORD, WORD_FORM)
  readonly issuer!: string;

  @About(
    'what the claim `aud` must have. A word of its own for the broker: a token that was issued for another service must not open this one',
  )
  @Text(WORD, WORD_FORM)
  readonly audience!: string;

  @About(
    'where the keys of the issuer are, as a JWKS; `https://`, or `http://` of a loopback address. One of `jwksUri` and `jwks`',
  )
  @Optional()
  @Check(checkJwksUri, { type: 'string', pattern: '^https?://' })
  @InChart({ type: 'string', pattern: '^https://[^@#\\s]+$' })
  readonly jwksUri?: string;

  @About('the keys themselves: `{ file }` with a JWKS, read again when it changes')
  @Optional()
  @SecretText(jwksForm)
  readonly jwks?: Secret;

  @About('the path of a private authority of `jwksUri`, in PEM; read at each fetch')
  @Optional()
  @Check(checkCaFile, { type: 'string', minLength: 1 })
  readonly caFile?: string;

  @About(
    "the path of a token that is sent to `jwksUri`, as Kubernetes' API server asks for one; read at each fetch",
  )
  @Optional()
  @Check(checkFile, { type: 'string', minLength: 1 })
  readonly tokenFile?: string;
}

export class IdentitiesSection {
  @SectionList(() => JwtIssuerSection, 'must list at least one issuer, or be left out')
  readonly jwt!: readonly JwtIssuerSection[];
}

export class KubernetesSubjectSection {
  @About('the namespace of the ServiceAccount')
  @Text(KUBERNETES_NAME, KUBERNETES_NAME_FORM)
  readonly namespace!: string;

  @About('its name')
  @Text(KUBERNETES_NAME, KUBERNETES_NAME_FORM)
  readonly serviceAccount!: string;
}

/** Whose JWTs are a client's. `loadConfig` fills in `issuer` and `sub`. */
export class SubjectSection {
  @About('one of `identities.jwt[].issuer`; may be left out where there is one')
  @Optional()
  @Text(WORD, WORD_FORM)
  issuer!: string;

  @About('the claim `sub`, letter by letter. One of `sub` and `kubernetes`')
  @Optional()
  @Text(WORD, WORD_FORM)
  sub!: string;

  /** The same as `sub: system:serviceaccount:<namespace>:<serviceAccount>`. */
  @Optional()
  @Section(() => KubernetesSubjectSection)
  readonly kubernetes?: KubernetesSubjectSection;
}

/** Whose certificates are a client's. */
export class CertificateSection {
  /** A DNS name in lower case, or a URI. */
  @About('one of the names in the certificate (subjectAltName): a DNS name or a URI, such as `spiffe://…`')
  @Text(SAN, 'a DNS name in lower case, such as orders.shop.svc, or a URI, such as spiffe://…')
  readonly san!: string;
}

function checkJwksUri(value: unknown): string | undefined {
  const url = parseUrl(value);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return problem('the URL of a JWKS, such as https://login.example/.well-known/jwks.json', value);
  }
  if (url.username + url.password + url.hash !== '')
    return 'must be a URL without user, password and fragment';
  return url.protocol === 'https:' || isLoopback(url)
    ? undefined
    : 'must begin with https://, because others on the way could put in keys of their own: http:// is for loopback addresses only';
}

function checkFile(value: unknown): string | undefined {
  return fileFault(value, () => undefined);
}

function checkCaFile(value: unknown): string | undefined {
  return fileFault(value, certificatesForm);
}

function fileFault(path: unknown, form: (text: string) => string | undefined): string | undefined {
  if (typeof path !== 'string' || path === '') return problem('the path of a file', path);
  const text = readText(path, MAX_FILE_BYTES);
  return text instanceof ReadFault ? text.text : form(text);
}
