import { readdirSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { NAMED_LISTS } from './config.js';
import {
  ConfigError,
  faultIf,
  isWordLike,
  ReadFault,
  shapeProblem,
  shownPath,
  type Fault,
} from './faults.js';
import { readText, readYaml } from './read-file.js';
import { asList, isMapping } from './values.js';

type Mapping = Readonly<Record<string, unknown>>;

/** A text of the configuration: the main file, or one of `configDir`. */
export interface ConfigPart {
  /** How a fault calls the file: empty for the main one, else its name in the folder. */
  readonly name: string;
  readonly root: Mapping;
}

/** All files of a configuration as one. */
export interface MergedParts {
  /** Of the main file, its lists with the entries of all files. */
  readonly root: Record<string, unknown>;
  readonly faults: Fault[];
  /** How people call an entry, by its place in the list: `apps.shop` or `orders.yaml: apps[0]` for `apps[7]`. */
  readonly places: ReadonlyMap<string, string>;
  /** The file of the folder that an entry is from. */
  readonly files: ReadonlyMap<string, string>;
}

export interface ReadFolder {
  readonly parts: readonly ConfigPart[];
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  /** Of all files, in order. */
  readonly text: string;
}

const MAX_FILES = 1000;
/** Of one of them. */
const MAX_BYTES = 1024 * 1024;
const IS_CONFIG = /^[^.].*\.yaml$/s;
/** Somebody who wrote one expects that it is read. */
const LOOKS_LIKE_CONFIG = /^[^.].*\.ya?ml$/is;
const NOT_READ = 'is not read: only files *.yaml of configDir are; rename it, or take it away';
const SHOWN_NAME = /^[\w.-]{1,100}$/;

/** Reads the files of the folder, in the order of their names. Never throws. */
export function readFolder(path: string, onFile: (path: string) => void): ReadFolder {
  onFile(path);
  const found = namesIn(path);
  if (!Array.isArray(found))
    return { parts: [], faults: [{ path: 'configDir.path', text: found }], warnings: [], text: '' };
  const nameOf = (file: string, index: number): string =>
    SHOWN_NAME.test(file) ? file : `(file ${index + 1} of configDir)`;
  const names = found.filter((name) => IS_CONFIG.test(name));
  const warnings = found.flatMap((file, index) =>
    IS_CONFIG.test(file) ? [] : [{ path: nameOf(file, index), text: NOT_READ }],
  );
  const faults: Fault[] = [];
  let whole = '';
  const parts = names.flatMap((file, index) => {
    const name = nameOf(file, index);
    onFile(join(path, file));
    const text = readText(join(path, file), MAX_BYTES);
    if (text instanceof ReadFault) {
      faults.push({ path: name, text: text.text });
      return [];
    }
    whole += text;
    try {
      return [{ name, root: readYaml(text, name, NAMED_LISTS) }];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults.push(...error.faults);
      return [];
    }
  });
  return { parts, faults, warnings, text: whole };
}

/** The file of the folder that a fault names; null: the fault is in the main file. */
export function fileAtFault({ path }: Fault): string | null {
  return /^([\w.-]{1,100}\.yaml|\(file \d+ of configDir\))(?:: |$)/.exec(path)?.[1] ?? null;
}

function namesIn(path: string): string[] | string {
  try {
    const names = readdirSync(path).filter((name) => LOOKS_LIKE_CONFIG.test(name));
    return names.length > MAX_FILES ? `holds more than ${MAX_FILES} files *.yaml` : names.sort();
  } catch (error) {
    const { code = 'not a usable path' } = error as NodeJS.ErrnoException;
    return `cannot read the folder ${shownPath(path)}: ${code}`;
  }
}

/** Makes one root of all; mappings by name become lists. */
export function merge(main: Mapping, parts: readonly ConfigPart[]): MergedParts {
  const root: Record<string, unknown> = { ...main };
  const faults: Fault[] = [];
  const places = new Map<string, string>();
  const files = new Map<string, string>();
  for (const { name, root: own } of parts) {
    for (const key of Object.keys(own)) {
      if (NAMED_LISTS.some((list) => list === key)) continue;
      const shown = isWordLike(key) ? key : '(a key not shown, it may hold a secret)';
      faults.push({
        path: `${name}: ${shown}`,
        text: 'is for the main file alone: a file of configDir has apps and clients',
      });
    }
  }
  for (const key of NAMED_LISTS) {
    // What is no list there is told where its section is read.
    if (main[key] !== undefined && !isMapping(main[key]) && !Array.isArray(main[key])) continue;
    const all: unknown[] = [];
    for (const { name, root: own } of [{ name: '', root: main }, ...parts]) {
      const value = own[key];
      if (value === undefined) continue;
      const at = name === '' ? key : `${name}: ${key}`;
      if (!isMapping(value) && !Array.isArray(value)) {
        faults.push({ path: at, text: shapeProblem('a list, or a mapping by name', value) });
        continue;
      }
      for (const { entry, place } of entriesOf(value, at, faults)) {
        const merged = `${key}[${all.length}]`;
        places.set(merged, place);
        if (name !== '') files.set(merged, name);
        all.push(entry);
      }
    }
    if ([main, ...parts.map(({ root: own }) => own)].some((own) => own[key] !== undefined)) root[key] = all;
  }
  return { root, faults, places, files };
}

function entriesOf(list: unknown, at: string, faults: Fault[]): { entry: unknown; place: string }[] {
  if (!isMapping(list)) return asList(list).map((entry, index) => ({ entry, place: `${at}[${index}]` }));
  return Object.entries(list).map(([name, entry], index) => {
    const place = isWordLike(name) ? `${at}.${name}` : `${at}.(entry ${index + 1})`;
    if (!isMapping(entry)) return { entry, place };
    if (entry.name !== undefined && entry.name !== name) {
      faults.push({
        path: `${place}.name`,
        text: 'must be the name under which the mapping has it, or left out',
      });
    }
    return { entry: { ...entry, name }, place };
  });
}

const NO_TEAM = 'no entry of configDir.teams is for this file: add one, or take the file away';

/** What the files of the folder grant, and may not. Looks at what is written, whether or not it is right. */
export function grantFaults(
  { root, files }: Pick<MergedParts, 'root' | 'files'>,
  names: readonly string[],
): Fault[] {
  const { teams } = isMapping(root.configDir) ? root.configDir : {};
  if (teams === undefined) return [];
  const limitsOf = (file: string) => asList(teams).find((team) => isMapping(team) && fits(file, team.files));
  const ofEntries = [...files].flatMap(([place, file]) => {
    const [, list = '', index = ''] = /^(\w+)\[(\d+)\]$/.exec(place) ?? [];
    const [entry, limits] = [asList(root[list])[Number(index)], limitsOf(file)];
    if (!isMapping(entry) || !isMapping(limits)) return [];
    const own = list === 'apps' ? appFaults(entry, limits) : clientFaults(entry, limits);
    return [...own, ...fileFaults(entry, limits)].map(({ path, text }) => ({
      path: `${place}.${path}`,
      text,
    }));
  });
  return [...names.flatMap((name) => faultIf(!limitsOf(name), name, NO_TEAM)), ...ofEntries];
}

function fits(file: string, pattern: unknown): boolean {
  if (typeof pattern !== 'string') return false;
  const form = pattern.replace(/[.]/g, '\\.').replace(/\*+/g, '.*');
  return new RegExp(`^${form}$`).test(file);
}

function appFaults({ name }: Mapping, { allowApps }: Mapping): Fault[] {
  return faultIf(!isAllowed(name, allowApps), 'name', beginsWith(allowApps));
}

function clientFaults({ scopes, apps }: Mapping, { allowScopes, allowApps }: Mapping): Fault[] {
  const more = allowScopes === undefined ? [] : asList(scopes);
  const seen = apps === '*' && allowApps !== undefined ? [apps] : asList(apps);
  const oneOf = `must be one of ${asList(allowScopes).join(', ')}: allowScopes of this file in configDir.teams`;
  return [
    ...more.flatMap((scope, at) => faultIf(!asList(allowScopes).includes(scope), `scopes[${at}]`, oneOf)),
    ...seen.flatMap((app, at) =>
      faultIf(!isAllowed(app, allowApps), apps === '*' ? 'apps' : `apps[${at}]`, beginsWith(allowApps)),
    ),
  ];
}

function isAllowed(app: unknown, prefixes: unknown): boolean {
  if (prefixes === undefined || typeof app !== 'string') return true;
  return asList(prefixes).some((prefix) => typeof prefix === 'string' && app.startsWith(prefix));
}

function beginsWith(prefixes: unknown): string {
  return `must begin with ${asList(prefixes).join(' or ')}: allowApps of this file in configDir.teams`;
}

const NO_VARIABLE = 'must be a file: allowFiles of this file in configDir.teams lets no variable be named';

/** All places of an entry that name a file or a variable. */
function fileFaults(entry: unknown, { allowFiles }: Mapping, path = ''): Fault[] {
  if (allowFiles === undefined || typeof entry !== 'object' || entry === null) return [];
  return Object.entries(entry).flatMap(([key, value]: [string, unknown]) => {
    const index = Array.isArray(entry)
      ? `[${key}]`
      : `${path === '' ? '' : '.'}${isWordLike(key) ? key : '(a key)'}`;
    const at = path + index;
    if (typeof value !== 'string') return fileFaults(value, { allowFiles }, at);
    const isOutside = /^(file|\w+File)$/.test(key) && !isInside(value, asList(allowFiles));
    return [
      ...faultIf(key === 'env', at, NO_VARIABLE),
      ...faultIf(
        isOutside,
        at,
        `must be a file in ${asList(allowFiles).join(' or ')}: allowFiles of this file in configDir.teams`,
      ),
    ];
  });
}

function isInside(path: string, folders: readonly unknown[]): boolean {
  return folders.some(
    (folder) => typeof folder === 'string' && resolve(path).startsWith(resolve(folder).replace(/\/?$/, sep)),
  );
}
