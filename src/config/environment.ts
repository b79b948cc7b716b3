import { apiKeyFault, sha256Hex } from './api-key.js';
import { SCOPES } from './config.js';
import type { Fault } from './config-error.js';
import { asList, isMapping } from './mapping.js';
import { isTrialHost } from './parse-url.js';
import { ReadFault } from './read-fault.js';
import { droppedText, readSecretText } from './secret-text.js';

interface Overlay {
  readonly root: Record<string, unknown>;
  readonly faults: Fault[];
  /** What was put right, and should be by those who wrote it. */
  readonly warnings: Fault[];
  /** The variable that a value came from, by the value's path in the file. */
  readonly origins: Map<string, string>;
}

/** A variable that is set to nothing counts as not set, as Compose files and charts leave them. */
type Variables = (name: string) => string | undefined;

/**
 * Lays the environment over the file's root, or over nothing when there is no file.
 *
 * `BROKER_APP_ID`, `BROKER_APP_SECRET_FILE`, `BROKER_GRANT` and `BROKER_API_KEY` stand for a file: beside one they are
 * faults, so that nobody wonders which of the two counts. `BROKER_APP_SECRET` alone is none, a file may refer to it.
 * `PORT`, `HOST`, `LOG_LEVEL` and `REDIS_URL` win over the file; `WECHAT_API_BASE_URL` is for apps without `apiBaseUrl`.
 */
export function overlayEnvironment(file: Record<string, unknown> | null, env: NodeJS.ProcessEnv): Overlay {
  const read: Variables = (name) => (env[name] === '' ? undefined : env[name]);
  const overlay: Overlay = { root: file ?? {}, faults: [], warnings: [], origins: new Map() };
  if (file === null) {
    addApp(overlay, read);
    addClient(overlay, read);
  } else {
    refuseSecondSource(overlay, read);
  }
  const port = read('PORT');
  override(overlay, 'server', 'port', 'PORT', port !== undefined && /^\d+$/.test(port) ? Number(port) : port);
  override(overlay, 'server', 'host', 'HOST', read('HOST'));
  override(overlay, 'server', 'logLevel', 'LOG_LEVEL', read('LOG_LEVEL'));
  override(overlay, 'redis', 'url', 'REDIS_URL', read('REDIS_URL'));
  setBaseUrls(overlay, read('WECHAT_API_BASE_URL'));
  return overlay;
}

function addApp({ root, faults, origins }: Overlay, read: Variables): void {
  const appId = read('BROKER_APP_ID');
  const secret = read('BROKER_APP_SECRET');
  const secretFile = read('BROKER_APP_SECRET_FILE');
  const grant = read('BROKER_GRANT');
  if ((appId ?? secret ?? secretFile ?? grant) === undefined) return;

  const appSecret = secretFile === undefined ? { env: 'BROKER_APP_SECRET' } : { file: secretFile };
  root.apps = [{ name: 'default', appId, appSecret, ...(grant !== undefined && { grant }) }];
  origins.set('apps[0].appId', 'BROKER_APP_ID');
  origins.set('apps[0].grant', 'BROKER_GRANT');
  origins.set(
    'apps[0].appSecret',
    secretFile === undefined ? 'BROKER_APP_SECRET or BROKER_APP_SECRET_FILE' : 'BROKER_APP_SECRET_FILE',
  );
  if (secret !== undefined && secretFile !== undefined) {
    faults.push({
      path: 'BROKER_APP_SECRET_FILE',
      text: 'BROKER_APP_SECRET is set as well; unset one of them',
    });
  }
}

function addClient({ root, faults, warnings }: Overlay, read: Variables): void {
  const given = read('BROKER_API_KEY');
  if (given === undefined) return;
  const path = 'BROKER_API_KEY';
  const isTrial = isTrialHost(read('WECHAT_API_BASE_URL'));
  const key = readSecretText(given, (text) => apiKeyFault(text, isTrial));
  if (key instanceof ReadFault) faults.push({ path, text: key.text });
  else if (key.dropped !== null) warnings.push({ path, text: droppedText(key.dropped) });
  const sha256 = sha256Hex(key instanceof ReadFault ? given : key.text);
  root.clients = [{ name: 'default', keySha256: [sha256], apps: '*', scopes: [...SCOPES] }];
}

function refuseSecondSource({ faults }: Overlay, read: Variables): void {
  const keys = {
    BROKER_APP_ID: 'apps',
    BROKER_APP_SECRET_FILE: 'apps',
    BROKER_GRANT: 'apps',
    BROKER_API_KEY: 'clients',
  };
  for (const [name, key] of Object.entries(keys)) {
    if (read(name) === undefined) continue;
    faults.push({
      path: name,
      text: `is for a start without a file, but BROKER_CONFIG names one; unset it and use ${key} in the file`,
    });
  }
}

function override(
  { root, origins }: Overlay,
  section: string,
  key: string,
  variable: string,
  value: string | number | undefined,
): void {
  const holder = root[section] ?? {};
  if (value === undefined || !isMapping(holder)) return;
  root[section] = { ...holder, [key]: value };
  origins.set(`${section}.${key}`, variable);
}

function setBaseUrls({ root, origins }: Overlay, apiBaseUrl: string | undefined): void {
  if (apiBaseUrl === undefined) return;
  for (const [index, app] of asList(root.apps).entries()) {
    if (!isMapping(app) || 'apiBaseUrl' in app) continue;
    app.apiBaseUrl = apiBaseUrl;
    origins.set(`apps[${index}].apiBaseUrl`, 'WECHAT_API_BASE_URL');
  }
}
