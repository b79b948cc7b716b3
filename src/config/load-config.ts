import { createHash } from 'node:crypto';
import { Redactor } from '../core/redaction/redactor.js';
import { platformOf, tokenShapes } from '../platforms/registry.js';
import { completeRefresh, RENEWAL_KEYS, type AppSection, type RefreshSection } from './app.section.js';
import { grantFaults, merge, readFolder, type ReadFolder } from './config-dir.js';
import { Config } from './config.js';
import { aheadFinding, crossChecks, insecureLinks } from './cross-checks.js';
import { overlayEnvironment, withDefaultFile } from './environment.js';
import { completeEgress } from './egress.section.js';
import { ConfigError, faultIf, ReadFault, shownPath, type Fault } from './faults.js';
import { completeSubject } from './identities.section.js';
import { readText, readYaml } from './read-file.js';
import { readSection, secretTexts } from './read-section.js';
import { readSecret, Secret } from './secret.js';
import { droppedText } from './secret-text.js';
import { decoded, isMapping, parseUrl } from './values.js';

export interface LoadConfigOptions {
  /** How often a secret's file is looked at once somebody listens to it, in milliseconds. */
  readonly secretPollMs?: number;
  /**
   * An app whose AppSecret's file is missing, empty or not as it should be is a warning, and waits for the file, as long as
   * another app has its AppSecret.
   */
  readonly mayAwaitAppSecrets?: boolean;
  /** Is told every secret, also those that are at fault; what a fault says goes through it. */
  readonly redactor?: Redactor;
  /** Is told each file that the configuration is made of before it is read: it is worth to read all again when one changes. */
  readonly onFile?: (path: string) => void;
}

/** Of secrets that are read anew with the configuration. The others have their own ways to follow their files. */
const READ_WITH_CONFIG = /^(?:clients\[\d+\]\.keys\[\d+\]\.file|(?:apps\[\d+\]\.)?egress\.\w+)$/;
/** Of one file of the configuration. */
const MAX_CONFIG_BYTES = 32 * 1024 * 1024;

/**
 * Reads the file that `BROKER_CONFIG` names, or `DEFAULT_FILE`, lays the environment over it, and checks all of it. Throws a ConfigError
 * that lists every fault; only a file that cannot be read or parsed is reported alone.
 */
export function loadConfig(
  env: NodeJS.ProcessEnv = withDefaultFile(process.env),
  {
    secretPollMs = 2000,
    mayAwaitAppSecrets = false,
    redactor = new Redactor(tokenShapes()),
    onFile = () => undefined,
  }: LoadConfigOptions = {},
): Config {
  const { BROKER_CONFIG: path } = env;
  if (path) onFile(path);
  const text = path ? readMainFile(path) : null;
  const file = text === null ? null : readYaml(text, shownPath(path ?? ''));
  const folder = readFolderOf(file, onFile);
  const merged = merge(file ?? {}, folder.parts);
  const { root, faults, warnings, origins } = overlayEnvironment(file && merged.root, env);
  warnings.push(...folder.warnings);
  addSecrets(redactor, [...secretTexts(root, Config), env.BROKER_API_KEY, env.BROKER_APP_SECRET]);

  const appSecrets: { readonly path: string; readonly secret: unknown }[] = [];
  const read = readSection(Config, root, (source, form, path) => {
    const secretFile = isMapping(source) ? source.file : undefined;
    if (READ_WITH_CONFIG.test(path) && typeof secretFile === 'string') onFile(secretFile);
    const isOfApp = /^apps\[\d+\]\.\w+$/.test(path);
    const mayAwaitFile = mayAwaitAppSecrets && isOfApp;
    const secret = readSecret(source, form, { env, pollMs: secretPollMs, mayAwaitFile });
    if (isOfApp) appSecrets.push({ path, secret });
    if (secret instanceof Secret) {
      addSecrets(redactor, [secret.value()]);
      if (secret.dropped !== null) warnings.push({ path, text: droppedText(secret.dropped) });
    }
    return secret;
  });
  const config = read.section;

  const awaited = appSecrets.flatMap(({ path, secret }) =>
    secret instanceof Secret && secret.fault !== null ? [{ path, text: secret.fault }] : [],
  );
  const hasNone = awaited.length > 0 && awaited.length === appSecrets.length;

  /** Names places as the person who wrote them does: by a variable, by the name in a mapping, by the file. */
  const written = ({ path, text }: Fault): Fault => {
    const rename = (words: string): string =>
      words.replace(/(?<![.\w])(?:apps|clients)\[\d+\]/g, (place) => merged.places.get(place) ?? place);
    return { path: rename(origins.get(path) ?? path), text: redactor.redact(rename(text)) };
  };
  const others = [
    ...folder.faults,
    ...merged.faults,
    ...faults,
    ...read.faults,
    ...grantFaults(
      merged,
      folder.parts.map(({ name }) => name),
    ),
    ...crossChecks(config),
  ];
  if (!others.some(({ path }) => path.startsWith('apps'))) {
    for (const [index, app] of config.apps.entries()) {
      const [token] = platformOf(app.provider).credentials(app);
      if (!token) {
        warnings.push(...refreshWithoutEffect(app, index));
        continue;
      }
      completeRefresh(app.refresh, token.defaults);
      const finding = aheadFinding(app.refresh.aheadSeconds, token);
      const path = `apps[${index}].refresh.aheadSeconds`;
      if (finding) (finding.isFault ? others : warnings).push({ path, text: finding.text });
    }
  }
  if (others.length === 0) completeSubjects(config);
  if (others.length === 0) {
    const egress = completeEgress(
      [config.egress, ...config.apps.flatMap((app) => app.egress ?? [])],
      env,
      (text) => {
        addSecrets(redactor, [text]);
      },
    );
    others.push(...egress.faults);
    warnings.push(...egress.warnings);
  }
  if (others.length > 0 || hasNone) throw new ConfigError([...others, ...awaited].map(written));
  const waits = 'the app waits for it, the others are served';
  warnings.push(...insecureLinks(config));
  warnings.push(...awaited.map(({ path, text }) => ({ path, text: `${text}; ${waits}` })));
  config.warnings = warnings.map(written);
  config.sha256 = text === null ? null : createHash('sha256').update(text).update(folder.text).digest('hex');
  return deepFreeze(config);
}

function completeSubjects({ clients, identities }: Config): void {
  const issuers = identities?.jwt.map(({ issuer }) => issuer) ?? [];
  for (const subject of clients.flatMap(({ subjects = [] }) => subjects)) completeSubject(subject, issuers);
}

/** Keys about the renewal of a token, of an app that has none. */
function refreshWithoutEffect({ refresh, type }: AppSection, index: number): Fault[] {
  const text = `has no effect: an app of type ${String(type)} has no token to renew; of refresh only upstreamTimeoutSeconds counts`;
  const given: Partial<RefreshSection> = refresh;
  return RENEWAL_KEYS.flatMap((key) =>
    faultIf(given[key] !== undefined, `apps[${index}].refresh.${key}`, text),
  );
}

function readFolderOf(file: Record<string, unknown> | null, onFile: (path: string) => void): ReadFolder {
  const path = isMapping(file?.configDir) ? file.configDir.path : undefined;
  if (typeof path !== 'string' || path === '') return { parts: [], faults: [], warnings: [], text: '' };
  return readFolder(path, onFile);
}

function readMainFile(path: string): string {
  const text = readText(path, MAX_CONFIG_BYTES);
  if (text instanceof ReadFault) throw new ConfigError([{ path: 'BROKER_CONFIG', text: text.text }]);
  return text;
}

/**
 * Of the URL of Redis or of a proxy the password alone is secret, of a header also what
 * follows a scheme like `Bearer`.
 */
function addSecrets(redactor: Redactor, texts: readonly (string | undefined)[]): void {
  for (const text of texts) {
    if (!text) continue;
    const url = /^[a-z]+:/i.test(text) ? parseUrl(text) : null;
    const isOfLogin = url !== null && (/^rediss?:$/.test(url.protocol) || isProxyLogin(url));
    const parts = isOfLogin
      ? [url.password, decoded(url.password) ?? url.password]
      : [text, text.trim(), text.slice(text.lastIndexOf(' ') + 1)];
    for (const part of new Set(parts)) redactor.add(part);
  }
}

function isProxyLogin({ protocol, password }: URL): boolean {
  return /^https?:$/.test(protocol) && password !== '';
}

/** Freezes the object and all that it holds. Private fields, as in `Secret`, stay as they are. */
function deepFreeze<T extends object>(root: T): T {
  for (const child of Object.values(root) as unknown[]) {
    if (typeof child === 'object' && child !== null) deepFreeze(child);
  }
  return Object.freeze(root);
}
