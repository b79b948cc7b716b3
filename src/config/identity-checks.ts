import { duplicates, isWordLike, type Fault, type Place } from './faults.js';
import type { SubjectSection } from './identities.section.js';
import { asList, isMapping, nearest } from './values.js';

/** The rules between the issuers of JWTs, and callers that are known by more than an API key. Takes nothing for granted. */
export function identityFaults(identities: unknown, clients: unknown): Fault[] {
  const issuers = asList(isMapping(identities) ? identities.jwt : undefined);
  const names = issuers.flatMap((one) =>
    isMapping(one) && typeof one.issuer === 'string' ? [one.issuer] : [],
  );
  return [
    ...issuers.flatMap(sourceFaults),
    ...duplicates(
      issuers.flatMap((one, index) =>
        isMapping(one) && typeof one.issuer === 'string'
          ? [{ path: `identities.jwt[${index}].issuer`, text: one.issuer }]
          : [],
      ),
    ),
    ...asList(clients).flatMap(withoutIdentity),
    ...subjectsOf(clients).flatMap(({ path, subject }) => subjectFaults(subject, path, names)),
    ...duplicates(subjectsOf(clients).flatMap(({ path, subject }) => wholeSubject(subject, path, names))),
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

function sourceFaults(issuer: unknown, index: number): Fault[] {
  if (!isMapping(issuer)) return [];
  const path = `identities.jwt[${index}]`;
  const sources = ['jwksUri', 'jwks'].filter((key) => issuer[key] !== undefined);
  if (sources.length !== 1) {
    const got = sources.length === 0 ? 'none' : 'both';
    return [
      { path, text: `must have one of jwksUri and jwks, where the keys of the issuer are; got ${got}` },
    ];
  }
  return ['caFile', 'tokenFile'].flatMap((key) =>
    issuer[key] !== undefined && issuer.jwksUri === undefined
      ? [{ path: `${path}.${key}`, text: 'is for jwksUri: set that in place of jwks, or remove this' }]
      : [],
  );
}

function withoutIdentity(client: unknown, index: number): Fault[] {
  if (!isMapping(client) || IDENTITY_KEYS.some((key) => client[key] !== undefined)) return [];
  const text =
    'must be set, or keys, subjects or certificates: nobody can be this caller; `access-token-broker keygen` prints a key with its hash';
  return [{ path: `clients[${index}].keySha256`, text }];
}

/** What makes a caller that caller. */
const IDENTITY_KEYS = ['keySha256', 'keys', 'subjects', 'certificates'];

interface PlacedSubject {
  readonly path: string;
  readonly subject: Readonly<Record<string, unknown>>;
}

function subjectsOf(clients: unknown): PlacedSubject[] {
  return asList(clients).flatMap((client, index) =>
    asList(isMapping(client) ? client.subjects : undefined).flatMap((subject, at) =>
      isMapping(subject) ? [{ path: `clients[${index}].subjects[${at}]`, subject }] : [],
    ),
  );
}

function subjectFaults(
  { issuer, sub, kubernetes }: PlacedSubject['subject'],
  path: string,
  issuers: readonly string[],
): Fault[] {
  const faults: Fault[] = [];
  if ((sub === undefined) === (kubernetes === undefined)) {
    const got = sub === undefined ? 'none' : 'both';
    faults.push({
      path,
      text: `must have one of sub and kubernetes: whose JWTs are this caller; got ${got}`,
    });
  }
  if (issuers.length === 0) {
    faults.push({ path, text: 'needs an issuer whose JWTs are taken: list it under identities.jwt' });
  } else if (issuer === undefined && issuers.length > 1) {
    faults.push({
      path: `${path}.issuer`,
      text: `must be set: there are ${issuers.length} issuers in identities.jwt`,
    });
  } else if (typeof issuer === 'string' && !issuers.includes(issuer)) {
    const meant = nearest(issuer, issuers);
    const hint = meant === undefined ? 'list it there, or name one that is' : `did you mean ${shown(meant)}?`;
    faults.push({ path: `${path}.issuer`, text: `is no issuer in identities.jwt; ${hint}` });
  }
  return faults;
}

/** Addresses of issuers are no secrets; other text may be one in the wrong place. */
function shown(issuer: string): string {
  return isWordLike(issuer) || /^https:\/\/[\w./:-]+$/.test(issuer) ? issuer : 'that of the list';
}

function wholeSubject(
  { issuer, sub, kubernetes }: PlacedSubject['subject'],
  path: string,
  issuers: readonly string[],
): Place[] {
  const whole: Record<string, unknown> = { issuer, sub, kubernetes };
  completeSubject(whole, issuers);
  const isWhole = typeof sub === 'string' || isMapping(kubernetes);
  return isWhole ? [{ path, text: `${String(whole.issuer)} ${String(whole.sub)}` }] : [];
}

/** The rules of callers that are known by a certificate. */
export function certificateFaults(clients: unknown, server: unknown): Fault[] {
  const names = asList(clients).flatMap((client, index) =>
    asList(isMapping(client) ? client.certificates : undefined).flatMap((certificate, at) =>
      isMapping(certificate) && typeof certificate.san === 'string'
        ? [{ path: `clients[${index}].certificates[${at}].san`, text: certificate.san }]
        : [],
    ),
  );
  const tls = isMapping(server) ? server.tls : undefined;
  const hasAuthority = isMapping(tls) && tls.clientCa !== undefined;
  const text = 'needs server.tls.clientCa, the authority of such certificates';
  return [...duplicates(names), ...(hasAuthority ? [] : names.map(({ path }) => ({ path, text })))];
}
