import type { Fault } from './config-error.js';
import { isMapping } from './mapping.js';
import { isWordLike } from './problem.js';

/** The lists that may also be written as mappings by name, which several files of Helm values can be merged into. */
export const NAMED_LISTS = ['apps', 'clients'] as const;

interface Unnamed {
  readonly root: Record<string, unknown>;
  readonly faults: Fault[];
  /** How the file calls an entry, by its place in the list: `apps.shop` for `apps[0]`. */
  readonly places: Map<string, string>;
}

/** Turns mappings by name into lists; the rest of the root stays as it is. */
export function listByName(file: Record<string, unknown>): Unnamed {
  const result: Unnamed = { root: { ...file }, faults: [], places: new Map() };
  for (const key of NAMED_LISTS) {
    const mapping = file[key];
    if (!isMapping(mapping)) continue;
    result.root[key] = Object.entries(mapping).map(([name, entry], index) => {
      const place = isWordLike(name) ? `${key}.${name}` : `${key}.(entry ${index + 1})`;
      result.places.set(`${key}[${index}]`, place);
      if (!isMapping(entry)) return entry;
      if (entry.name !== undefined && entry.name !== name) {
        result.faults.push({
          path: `${place}.name`,
          text: `must be the name under which the mapping has it, or left out`,
        });
      }
      return { ...entry, name };
    });
  }
  return result;
}
