import { plainToInstance } from 'class-transformer';
import { Redactor } from '../core/redaction/redactor.js';
import type { Config } from './config.js';
import { ConfigError, type Fault } from './config-error.js';
import { crossChecks } from './cross-checks.js';
import { deepFreeze } from './deep-freeze.js';
import { overlayEnvironment } from './environment.js';
import { listByName } from './named-lists.js';
import { parseUrl } from './parse-url.js';
import { shownPath } from './problem.js';
import { ReadFault } from './read-fault.js';
import { readSecret } from './read-secret.js';
import { readText } from './read-text.js';
import { readYaml } from './read-yaml.js';
import { resolveSecrets, secretTexts } from './resolve-secrets.js';
import { Secret } from './secret.js';
import { droppedText } from './secret-text.js';
import { ConfigFile } from './sections/config-file.section.js';
import { toConfig } from './to-config.js';
import { validateSections } from './validate-sections.js';

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
}

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads the file that `BROKER_CONFIG` names, lays the environment over it, and checks all of it. Throws a ConfigError
 * that lists every fault; only a file that cannot be read or parsed is reported alone.
 */
export function loadConfig(
  env: NodeJS.ProcessEnv = process.env,
  { secretPollMs = 2000, mayAwaitAppSecrets = false, redactor = new Redactor() }: LoadConfigOptions = {},
): Config {
  const file = readFile(env.BROKER_CONFIG);
  const named = listByName(file ?? {});
  const { root, faults, warnings, origins } = overlayEnvironment(file && named.root, env);
  addSecrets(redactor, [...secretTexts(root, ConfigFile), env.BROKER_API_KEY, env.BROKER_APP_SECRET]);

  const sections = plainToInstance(ConfigFile, root);
  const appSecrets: { readonly path: string; readonly secret: unknown }[] = [];
  resolveSecrets(sections, ConfigFile, (source, form, path) => {
    const isOfApp = /^apps\[\d+\]\.appSecret$/.test(path);
    const mayAwaitFile = mayAwaitAppSecrets && isOfApp;
    const secret = readSecret(source, form, { env, pollMs: secretPollMs, mayAwaitFile });
    if (isOfApp) appSecrets.push({ path, secret });
    if (secret instanceof Secret) {
      addSecrets(redactor, [secret.value()]);
      if (secret.dropped !== null) warnings.push({ path, text: droppedText(secret.dropped) });
    }
    return secret;
  });

  const awaited = appSecrets.flatMap(({ path, secret }) =>
    secret instanceof Secret && secret.fault !== null ? [{ path, text: secret.fault }] : [],
  );
  const hasNone = awaited.length > 0 && awaited.length === appSecrets.length;

  /** Names places as the person who wrote them does: by a variable, or by the name in a mapping. */
  const written = ({ path, text }: Fault): Fault => {
    const rename = (words: string): string =>
      words.replace(/\b(?:apps|clients)\[\d+\]/g, (place) => named.places.get(place) ?? place);
    return { path: rename(origins.get(path) ?? path), text: redactor.redact(rename(text)) };
  };
  const others = [...named.faults, ...faults, ...validateSections(sections), ...crossChecks(sections)];
  if (others.length > 0 || hasNone) throw new ConfigError([...others, ...awaited].map(written));
  const waits = 'the app waits for it, the others are served';
  warnings.push(...awaited.map(({ path, text }) => ({ path, text: `${text}; ${waits}` })));
  const proxyVariable = PROXY_VARIABLES.find((name) => env[name]) ?? null;
  return deepFreeze(toConfig(sections, { warnings: warnings.map(written), proxyVariable }));
}

function readFile(path: string | undefined): Record<string, unknown> | null {
  if (!path) return null;
  const text = readText(path, MAX_FILE_BYTES);
  if (text instanceof ReadFault) throw new ConfigError([{ path: 'BROKER_CONFIG', text: text.text }]);
  return readYaml(text, shownPath(path));
}

/** Of a URL the password alone is secret, of a header also what follows a scheme like `Bearer`. */
function addSecrets(redactor: Redactor, texts: readonly (string | undefined)[]): void {
  for (const text of texts) {
    if (!text) continue;
    const url = parseUrl(text);
    const password = url && /^rediss?:$/.test(url.protocol) ? url.password : null;
    const parts =
      password === null
        ? [text, text.trim(), text.slice(text.lastIndexOf(' ') + 1)]
        : [password, decoded(password)];
    for (const part of new Set(parts)) redactor.add(part);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
