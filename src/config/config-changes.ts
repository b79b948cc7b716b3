import type { AppSection } from './app.section.js';
import type { Config } from './config.js';
import { keysOf, type SectionClass } from './keys.js';
import { Secret } from './secret.js';
import { isMapping } from './values.js';
import { keysOfClient, SHOWN_DIGITS } from '../core/client-keys.js';
import type { AuditedClient, AuditedConfig } from '../core/ports/audit-entry.js';
import type { ClientSection } from './client.section.js';

/** What a change of the configuration does to a broker that runs. */
export type ChangeEffect =
  'at_once' | 'app_added' | 'app_removed' | 'app_replaced' | 'secret_tried' | 'restart_required';

export interface ConfigChange {
  /** As in the file, apps and clients by their names: `apps.shop.refresh.aheadSeconds`. */
  readonly path: string;
  readonly effect: ChangeEffect;
}

type Values = Readonly<Record<string, unknown>>;

/** The keys of an app that can change while its token stays. The AppSecret is one as well, whatever its key is called. */
const LIVE_KEYS_OF_APPS = new Set(['refresh', 'login', 'gateway', 'egress']);
const LIVE_KEYS = new Set([
  'configDir',
  'gateway',
  'egress',
  'identities',
  'rate',
  'auth',
  'limits',
  'metrics',
]);
/** Compared by name, entry by entry. */
const LISTS = new Set(['apps', 'clients']);

/** What differs, in the order of the new file, and what each difference does. Asks for nothing but the two. */
export function changesBetween(running: Config, next: Config): readonly ConfigChange[] {
  const root = differences(running, next, LISTS).map((path): ConfigChange => {
    const [key = ''] = path.split('.');
    return { path, effect: LIVE_KEYS.has(key) ? 'at_once' : 'restart_required' };
  });
  return [...changesOfApps(running.apps, next.apps), ...changesOfClients(running, next), ...root];
}

function changesOfApps(running: readonly AppSection[], next: readonly AppSection[]): ConfigChange[] {
  const before = byName(running);
  const after = byName(next);
  const gone = running.filter(({ name }) => !after.has(name));
  return [
    ...next.flatMap((app): ConfigChange[] => {
      const path = `apps.${app.name}`;
      const old = before.get(app.name);
      if (!old) return [{ path, effect: 'app_added' }];
      if (!isSameAccount(old, app)) return [{ path, effect: 'app_replaced' }];
      return differences(old, app).map((changed) => ({
        path: `${path}.${changed}`,
        effect: effectInApp(old, app, changed),
      }));
    }),
    ...gone.map(({ name }): ConfigChange => ({ path: `apps.${name}`, effect: 'app_removed' })),
  ];
}

function effectInApp(old: AppSection, app: AppSection, path: string): ChangeEffect {
  const [key = ''] = path.split('.');
  if (LIVE_KEYS_OF_APPS.has(key)) return 'at_once';
  const isSecret = [old, app].some((one) => valuesOf(one)[key] instanceof Secret);
  return isSecret ? 'secret_tried' : 'restart_required';
}

function changesOfClients({ clients }: Config, next: Config): ConfigChange[] {
  const before = byName(clients);
  const after = byName(next.clients);
  const changed = next.clients.flatMap((client) => {
    const path = `clients.${client.name}`;
    const old = before.get(client.name);
    return old ? differences(old, client).map((changed) => `${path}.${changed}`) : [path];
  });
  const gone = clients.filter(({ name }) => !after.has(name)).map(({ name }) => `clients.${name}`);
  return [...changed, ...gone].map((path) => ({ path, effect: 'at_once' }));
}

/** Whether the token of one is the token of the other. */
export function isSameAccount(one: AppSection, other: AppSection): boolean {
  const sameKeys = (['provider', 'appId', 'grant', 'type'] as const).every((key) => one[key] === other[key]);
  return sameKeys && new URL(one.apiBaseUrl).host === new URL(other.apiBaseUrl).host;
}

/** The new section, but for what only a restart takes over: that stays as it was. */
export function inForce<Section extends AppSection>(running: Section, next: Section): Section {
  const fixed = Object.entries(running).filter(
    ([key, value]) => !LIVE_KEYS_OF_APPS.has(key) && !(value instanceof Secret),
  );
  const section = Object.create(Object.getPrototypeOf(next) as object) as Section;
  return Object.freeze(Object.assign(section, next, Object.fromEntries(fixed)));
}

/** The paths of what differs, down to single values; a list is one value. */
function differences(one: object, other: object, ignored: ReadonlySet<string> = new Set()): string[] {
  const [before, after] = [valuesOf(one), valuesOf(other)];
  const keys = new Set([...keysIn(other), ...keysIn(one)]);
  return [...keys].flatMap((key) => {
    const [old, now] = [before[key], after[key]];
    if (ignored.has(key) || isSame(old, now)) return [];
    if (!isSection(old) || !isSection(now)) return [key];
    return differences(old, now).map((path) => `${key}.${path}`);
  });
}

function isSame(one: unknown, other: unknown): boolean {
  if (one instanceof Secret && other instanceof Secret) return one.value() === other.value();
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((entry, index) => isSame(entry, other[index]));
  }
  if (!isSection(one) || !isSection(other)) return one === other;
  const keys = new Set([...keysIn(one), ...keysIn(other)]);
  return [...keys].every((key) => isSame(valuesOf(one)[key], valuesOf(other)[key]));
}

function isSection(value: unknown): value is object {
  return isMapping(value) && !(value instanceof Secret);
}

/** Of a section those that a file may have, which leaves out what is worked out from them. */
function keysIn(section: object): Iterable<string> {
  const known = keysOf(section.constructor as SectionClass);
  return known.size > 0 ? known.keys() : Object.keys(section);
}

function valuesOf(section: object): Values {
  return section as Values;
}

function byName<T extends { readonly name: string }>(sections: readonly T[]): ReadonlyMap<string, T> {
  return new Map(sections.map((section) => [section.name, section]));
}

/** @param sha256 of the file, in hex; null without one */
export function auditedConfig({ apps, clients }: Config, sha256: string | null): AuditedConfig {
  return {
    sha256,
    apps: apps.map(({ name }) => name),
    clients: clients.map(auditedClient),
  };
}

function auditedClient(client: ClientSection): AuditedClient {
  const { name, apps, scopes, subjects, certificates, gateway, virtualTokens } = client;
  return {
    name,
    apps,
    scopes,
    keys: keysOfClient(client).map(({ sha256 }) => sha256.slice(0, SHOWN_DIGITS)),
    ...(subjects && { subjects: subjects.map(({ issuer, sub }) => `${issuer} ${sub}`) }),
    ...(certificates && { certificates: certificates.map(({ san }) => san) }),
    ...(gateway && { gateway: gateway.allow }),
    ...(virtualTokens && { virtual_tokens: true as const }),
  };
}
