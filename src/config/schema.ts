import type { SecretForm } from './secret-text.js';

export type SectionClass = new () => object;

/** What is known of a key of a section beside its class-validator rules. */
export interface KeySpec {
  /** JSON Schema of its value, where that is no section and no secret. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** The class of the mapping that it holds, or of each mapping of its list. */
  readonly section?: () => SectionClass;
  readonly isList?: boolean;
  /** It holds a secret, or where one is. */
  readonly secret?: SecretForm;
  /** It holds a mapping of such. */
  readonly secrets?: SecretForm;
  readonly isOptional?: boolean;
}

const specs = new Map<object, Map<string, KeySpec>>();

/** Adds to what is known of a key. */
export function describeKey(more: KeySpec): PropertyDecorator {
  return (target, property) => {
    const keys = specs.get(target) ?? new Map<string, KeySpec>();
    const name = String(property);
    specs.set(target, keys.set(name, { ...keys.get(name), ...more }));
  };
}

/** The keys of a section, in the order in which its class has them, after those of the class that it extends. */
export function keysOf(section: SectionClass): ReadonlyMap<string, KeySpec> {
  const keys: [string, KeySpec][] = [];
  for (
    let target: unknown = section.prototype;
    target instanceof Object;
    target = Object.getPrototypeOf(target)
  ) {
    keys.unshift(...(specs.get(target) ?? []));
  }
  return new Map(keys);
}

/** All sections that a section leads to, itself included. */
export function sectionsOf(root: SectionClass): Set<SectionClass> {
  const found = new Set([root]);
  for (const section of found) {
    for (const { section: nested } of keysOf(section).values()) if (nested) found.add(nested());
  }
  return found;
}
