import { jwksForm } from '../core/client-keys.js';
import {
  duplicates,
  faultIf,
  isWordLike,
  problem,
  ReadFault,
  textsOf,
  type Fault,
  type Place,
} from './faults.js';
import { About, Check, InChart, Optional, Section, SectionList, SecretText, Text } from './keys.js';
import { readText } from './read-file.js';
import type { Secret } from './secret.js';
import { certificatesForm } from './secret-text.js';
import { isLoopback, isMapping, mappingsIn, nearest, parseUrl, type Placed } from './values.js';

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

/** What makes a caller that caller. */
const IDENTITY_KEYS = ['keySha256', 'keys', 'subjects', 'certificates'];
const NOBODY =
  'must be set, or keys, subjects or certificates: nobody can be this caller; `access-token-broker keygen` prints a key with its hash';

/** The rules between the issuers of JWTs, and callers that are known by more than an API key. Takes nothing for granted. */
export function identityFaults(identities: unknown, clients: readonly Placed[], server: unknown): Fault[] {
  const issuers = mappingsIn(isMapping(identities) ? identities.jwt : undefined, 'identities.jwt');
  const named = textsOf(issuers, 'issuer');
  const names = named.map(({ text }) => text);
  const subjects = clients.flatMap(({ path, entry }) => mappingsIn(entry.subjects, `${path}.subjects`));
  return [
    ...issuers.flatMap(sourceFaults),
    ...duplicates(named),
    ...clients.flatMap(({ path, entry }) =>
      faultIf(!IDENTITY_KEYS.some((key) => entry[key] !== undefined), `${path}.keySha256`, NOBODY),
    ),
    ...subjects.flatMap((subject) => subjectFaults(subject, names)),
    ...duplicates(subjects.flatMap((subject) => wholeSubject(subject, names))),
    ...certificateFaults(clients, server),
  ];
}

/**
 * Gives a subject that was found right the issuer and the claim `sub` that it leaves out or has in the words of Kubernetes.
 *
 * @param issuers all that there are
 */
export function completeSubject(subject: Partial<SubjectSection>, issuers: readonly string[]): void {
  subject.issuer ??= issuers[0] ?? '';
  const { namespace = '', serviceAccount = '' } = subject.kubernetes ?? {};
  subject.sub ??= `system:serviceaccount:${namespace}:${serviceAccount}`;
}

function sourceFaults({ path, entry: { jwksUri, jwks, caFile, tokenFile } }: Placed): Fault[] {
  if ((jwksUri === undefined) === (jwks === undefined)) {
    const got = jwks === undefined ? 'none' : 'both';
    return [
      { path, text: `must have one of jwksUri and jwks, where the keys of the issuer are; got ${got}` },
    ];
  }
  const text = 'is for jwksUri: set that in place of jwks, or remove this';
  return Object.entries({ caFile, tokenFile }).flatMap(([key, file]) =>
    faultIf(file !== undefined && jwksUri === undefined, `${path}.${key}`, text),
  );
}

function subjectFaults(
  { path, entry: { issuer, sub, kubernetes } }: Placed,
  issuers: readonly string[],
): Fault[] {
  const faults: Fault[] = [];
  const add = (at: string, text: string) => faults.push({ path: path + at, text });
  if ((sub === undefined) === (kubernetes === undefined)) {
    const got = sub === undefined ? 'none' : 'both';
    add('', `must have one of sub and kubernetes: whose JWTs are this caller; got ${got}`);
  }
  if (issuers.length === 0) {
    add('', 'needs an issuer whose JWTs are taken: list it under identities.jwt');
  } else if (issuer === undefined && issuers.length > 1) {
    add('.issuer', `must be set: there are ${issuers.length} issuers in identities.jwt`);
  } else if (typeof issuer === 'string' && !issuers.includes(issuer)) {
    const meant = nearest(issuer, issuers);
    const hint = meant === undefined ? 'list it there, or name one that is' : `did you mean ${shown(meant)}?`;
    add('.issuer', `is no issuer in identities.jwt; ${hint}`);
  }
  return faults;
}

/** Addresses of issuers are no secrets; other text may be one in the wrong place. */
function shown(issuer: string): string {
  return isWordLike(issuer) || /^https:\/\/[\w./:-]+$/.test(issuer) ? issuer : 'that of the list';
}

function wholeSubject(
  { path, entry: { issuer, sub, kubernetes } }: Placed,
  issuers: readonly string[],
): Place[] {
  const whole: Record<string, unknown> = { issuer, sub, kubernetes };
  completeSubject(whole, issuers);
  const isWhole = typeof sub === 'string' || isMapping(kubernetes);
  return isWhole ? [{ path, text: `${String(whole.issuer)} ${String(whole.sub)}` }] : [];
}

/** The rules of callers that are known by a certificate. */
function certificateFaults(clients: readonly Placed[], server: unknown): Fault[] {
  const names = clients.flatMap(({ path, entry }) =>
    textsOf(mappingsIn(entry.certificates, `${path}.certificates`), 'san'),
  );
  const tls = isMapping(server) ? server.tls : undefined;
  const hasAuthority = isMapping(tls) && tls.clientCa !== undefined;
  const text = 'needs server.tls.clientCa, the authority of such certificates';
  return [...duplicates(names), ...names.flatMap(({ path }) => faultIf(!hasAuthority, path, text))];
}
