import { existsSync } from 'node:fs';
import { apiKeyFault, sha256Hex } from './api-key.js';
import { AppSection } from './app.section.js';
import { SCOPES } from './client.section.js';
import { kindsOfApps } from './config.js';
import { ServerSection } from './server.section.js';
import { ReadFault, type Fault } from './faults.js';
import { keysOf, type KeySpec, type SectionClass, type Variable } from './keys.js';
import { RedisSection } from './redis.section.js';
import { droppedText, readSecretText } from './secret-text.js';
import { asList, isMapping, isTrialHost } from './values.js';

const API_KEY = 'BROKER_API_KEY';

/** In the working directory: read when nothing else is configured. */
export const DEFAULT_FILE = 'broker.yaml';

/** Whether nothing is configured, and a person may be there to do it. */
export function isFirstRun(env: NodeJS.ProcessEnv): boolean {
  return env.NODE_ENV !== 'production' && namesNothing(env);
}

/** Neither a file is named nor an app or a caller, which variables can do as well. */
function namesNothing(env: NodeJS.ProcessEnv): boolean {
  const alone = variablesOf(sectionOfApp(), 'alone').flatMap(([, { secret }, name]) =>
    secret ? [name, `${name}_FILE`] : [name],
  );
  return ['BROKER_CONFIG', API_KEY, ...alone].every((name) => (env[name] ?? '') === '');
}

/** The environment, with `DEFAULT_FILE` as the file if nothing is configured and it is there. */
export function withDefaultFile(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return namesNothing(env) && existsSync(DEFAULT_FILE) ? { ...env, BROKER_CONFIG: DEFAULT_FILE } : env;
}

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
 * Lays the variables that the sections name over the file's root, or over nothing when there is no file. Those that
 * stand for a file, and `BROKER_API_KEY`, are faults beside one, so that nobody wonders which of the two counts; a secret
 * is none, a file may refer to it.
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
  override(overlay, 'server', ServerSection, read);
  override(overlay, 'redis', RedisSection, read);
  fillApps(overlay, read);
  return overlay;
}

/** The keys of a section that a variable stands for by this rule. */
function variablesOf(
  section: SectionClass,
  rule: Variable['rule'],
): [key: string, spec: KeySpec, name: string][] {
  return [...keysOf(section)].flatMap(([key, spec]) =>
    spec.variable?.rule === rule ? [[key, spec, spec.variable.name] as [string, KeySpec, string]] : [],
  );
}

/** The one app that the environment can configure is of the platform that needs not be named. */
function sectionOfApp(): SectionClass {
  const { classes, fallback } = kindsOfApps();
  return classes.get(fallback) ?? AppSection;
}

function addApp({ root, faults, origins }: Overlay, read: Variables): void {
  const app: Record<string, unknown> = { name: 'default' };
  let isSet = false;
  for (const [key, { secret }, name] of variablesOf(sectionOfApp(), 'alone')) {
    const value = read(name);
    const file = secret && read(`${name}_FILE`);
    isSet ||= (value ?? file) !== undefined;
    const source = file === undefined ? { env: name } : { file };
    const origin = file === undefined ? `${name} or ${name}_FILE` : `${name}_FILE`;
    app[key] = secret ? source : value;
    origins.set(`apps[0].${key}`, secret ? origin : name);
    if (value !== undefined && file !== undefined) {
      faults.push({ path: `${name}_FILE`, text: `${name} is set as well; unset one of them` });
    }
  }
  if (isSet) root.apps = [app];
}

function addClient({ root, faults, warnings }: Overlay, read: Variables): void {
  const given = read(API_KEY);
  if (given === undefined) return;
  const isTrial = variablesOf(sectionOfApp(), 'fills').some(([, , name]) => isTrialHost(read(name)));
  const key = readSecretText(given, (text) => apiKeyFault(text, isTrial));
  if (key instanceof ReadFault) faults.push({ path: API_KEY, text: key.text });
  else if (key.dropped !== null) warnings.push({ path: API_KEY, text: droppedText(key.dropped) });
  const sha256 = sha256Hex(key instanceof ReadFault ? given : key.text);
  // What goes through the gateway has to be listed, which no variable does.
  const scopes = SCOPES.filter((scope) => !scope.startsWith('gateway'));
  root.clients = [{ name: 'default', keySha256: [sha256], apps: '*', scopes }];
}

function refuseSecondSource({ faults }: Overlay, read: Variables): void {
  const names = variablesOf(sectionOfApp(), 'alone').map(
    ([, { secret }, name]) => [secret ? `${name}_FILE` : name, 'apps'] as const,
  );
  for (const [path, key] of [...names, [API_KEY, 'clients'] as const]) {
    if (read(path) === undefined) continue;
    const text = `is for a start without a file, but BROKER_CONFIG names one; unset it and use ${key} in the file`;
    faults.push({ path, text });
  }
}

function override({ root, origins }: Overlay, name: string, section: SectionClass, read: Variables): void {
  for (const [key, { schema }, variable] of variablesOf(section, 'wins')) {
    const value = read(variable);
    const holder = root[name] ?? {};
    if (value === undefined || !isMapping(holder)) continue;
    const isNumber = schema?.type === 'integer' && /^\d+$/.test(value);
    root[name] = { ...holder, [key]: isNumber ? Number(value) : value };
    origins.set(`${name}.${key}`, variable);
  }
}

function fillApps({ root, origins }: Overlay, read: Variables): void {
  const { key: kind, classes, fallback } = kindsOfApps();
  for (const [index, app] of asList(root.apps).entries()) {
    if (!isMapping(app)) continue;
    const section = classes.get((app[kind] ?? fallback) as string);
    for (const [key, , name] of section ? variablesOf(section, 'fills') : []) {
      const value = read(name);
      if (value === undefined || key in app) continue;
      app[key] = value;
      origins.set(`apps[${index}].${key}`, name);
    }
  }
}
