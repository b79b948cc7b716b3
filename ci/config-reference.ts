import type { KeySpec, Kinds, SectionClass } from '../src/config/keys.ts';

export type Schema = Readonly<Record<string, unknown>>;

/** The classes of the configuration, from the source or from a build. */
export interface Classes {
  readonly Config: SectionClass;
  readonly NAMED_LISTS: readonly string[];
  readonly keysOf: (section: SectionClass) => ReadonlyMap<string, KeySpec>;
  readonly sectionsOf: (root: SectionClass) => ReadonlySet<SectionClass>;
}

const SECRET: Schema = {
  anyOf: [
    { type: 'string', minLength: 1 },
    only({ file: { type: 'string', minLength: 1 } }),
    only({ env: { type: 'string', minLength: 1 } }),
  ],
};

/** All that is written about the configuration and made of its classes. */
export class ConfigReference {
  readonly #classes: Classes;
  /** The section that another one's key of several kinds leads to. */
  readonly #kinds: ReadonlyMap<SectionClass, Kinds>;

  constructor(classes: Classes) {
    this.#classes = classes;
    const keys = [...classes.sectionsOf(classes.Config)].flatMap((section) => [
      ...classes.keysOf(section).values(),
    ]);
    this.#kinds = new Map(
      keys.flatMap(({ section, kinds }) => (section && kinds ? [[section(), kinds()] as const] : [])),
    );
  }

  /**
   * JSON Schema (draft 7) of the configuration file, for editors. What it refuses, the broker refuses too; rules between
   * keys, and the forms of secrets, are the broker's alone.
   */
  schema(): Schema {
    const { config = {}, ...definitions } = this.#definitions({ prefix: '', isChart: false });
    return {
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: 'The configuration file of access-token-broker',
      ...config,
      // The files of a folder may have them instead.
      anyOf: [{ required: this.#classes.NAMED_LISTS }, { required: ['configDir'] }],
      definitions: { ...definitions, secret: SECRET },
    };
  }

  /**
   * The definitions of the chart's `config`. Secrets stand nowhere in clear, unless `KeySpec.chart` says so; those of an
   * app may be left out, and every section may be empty.
   */
  chartDefinitions(): Readonly<Record<string, Schema>> {
    return this.#definitions({ prefix: 'config', isChart: true });
  }

  /** The key of an app that holds its secret, by platform: the chart fills it in. */
  secretKeys(): Readonly<Record<string, string>> {
    const kinds = [...this.#kinds.values()].flatMap(({ classes }) => [...classes]);
    return Object.fromEntries(
      kinds.flatMap(([kind, section]) =>
        [...this.#classes.keysOf(section)]
          .filter(([, { secret, isOptional }]) => secret && !isOptional)
          .map(([key]) => [kind, key]),
      ),
    );
  }

  /**
   * Writes the tables of keys into a page in Markdown, each between `<!-- keys of … -->`, which names sections, and
   * `<!-- end -->`. Throws for a section with keys that no table has.
   */
  tables(page: string): string {
    const sections = this.#rows();
    const missing = new Set([...sections].filter(([, rows]) => rows.length > 0).map(([name]) => name));
    const written = page.replace(
      /(<!-- keys of (.*?) -->\n)[^]*?(<!-- end -->)/g,
      (_, begin: string, names: string, end: string) => {
        const rows = names.split(', ').flatMap((name) => {
          missing.delete(name);
          const found = sections.get(name);
          if (!found)
            throw new Error(`there is no section ${name}; there are ${[...sections.keys()].join(', ')}`);
          return found;
        });
        const lines = [['key', 'meaning', 'values', 'default'], ['---', '---', '---', '---'], ...rows];
        return `${begin}\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n\n${end}`;
      },
    );
    if (missing.size > 0) throw new Error(`no table has the keys of ${[...missing].join(', ')}`);
    return written;
  }

  #definitions(options: SchemaOptions): Record<string, Schema> {
    return Object.fromEntries(
      [...this.#classes.sectionsOf(this.#classes.Config)].map((section) => {
        const kinds = this.#kinds.get(section);
        return [
          nameOf(section, options),
          kinds ? this.#schemaOfKinds(kinds, options) : this.#schemaOf(section, options),
        ];
      }),
    );
  }

  /** A mapping is of the kind that a key of its says. */
  #schemaOfKinds({ key, classes, fallback }: Kinds, options: SchemaOptions): Schema {
    return {
      type: 'object',
      properties: { [key]: { enum: [...classes.keys()], default: fallback } },
      allOf: [...classes].map(([kind, section]) => ({
        if: { properties: { [key]: { const: kind } }, ...(kind !== fallback && { required: [key] }) },
        then: { $ref: `#/definitions/${nameOf(section, options)}` },
      })),
    };
  }

  #schemaOf(section: SectionClass, options: SchemaOptions): Schema {
    const { Config, NAMED_LISTS, keysOf } = this.#classes;
    const isKind = [...this.#kinds.values()].some(({ classes }) => [...classes.values()].includes(section));
    const defaults = Reflect.construct(section, []) as Record<string, unknown>;
    const keys = [...keysOf(section)];
    const required = keys
      .filter(([name, { isOptional, secret }]) => {
        // In a mapping by name it is left out; a list asks for it below.
        if (name === 'name' || (secret && isKind && options.isChart)) return false;
        return isOptional !== true && defaults[name] === undefined;
      })
      .map(([name]) => name);
    const mayBeEmpty = [...keysOf(Config).values()].some(
      ({ section: own, isList }) => !isList && own?.() === section,
    );
    const demand = required.length === 0 ? {} : { required };
    return {
      type: 'object',
      additionalProperties: false,
      ...(options.isChart && mayBeEmpty && required.length > 0
        ? { anyOf: [{ maxProperties: 0 }, demand] }
        : demand),
      properties: Object.fromEntries(
        keys.map(([name, spec]) => {
          const value = this.#schemaOfKey(spec, NAMED_LISTS.includes(name), options);
          const { [name]: fallback } = defaults;
          return [name, { ...value, ...describe(spec), ...(isPlain(fallback) && { default: fallback }) }];
        }),
      ),
    };
  }

  #schemaOfKey(spec: KeySpec, isNamed: boolean, options: SchemaOptions): Schema {
    const { schema = {}, chart, section, isList, secret, isPath, secrets } = spec;
    const secretRef = { $ref: `#/definitions/${options.isChart ? 'secretSource' : 'secret'}` };
    if (secret && !isPath) return options.isChart && chart ? { anyOf: [secretRef, chart] } : secretRef;
    if (secrets) return { type: 'object', additionalProperties: secretRef };
    if (!section) return options.isChart ? (chart ?? schema) : schema;
    const ref = { $ref: `#/definitions/${nameOf(section(), options)}` };
    if (!isList) return options.isChart && chart ? { anyOf: [ref, chart] } : ref;
    if (!isNamed) return { ...schema, type: 'array', minItems: 1, items: ref };
    const items = { allOf: [ref, { required: ['name'] }] };
    if (!options.isChart) {
      const mapping = { type: 'object', minProperties: 1, additionalProperties: ref };
      return { anyOf: [{ type: 'array', minItems: 1, items }, mapping] };
    }
    const byName = { allOf: [ref, { not: { required: ['name'] } }] };
    return {
      description: 'A list, or by name: the key is the name, and null takes away what an earlier file named.',
      type: ['array', 'object', 'null'],
      items,
      propertyNames: this.#classes.keysOf(section()).get('name')?.schema,
      additionalProperties: { if: { type: 'null' }, else: byName },
    };
  }

  /** The rows of the tables, by the path of their section: `apps[]` for what all apps have, `apps[] (wechat)` for the rest. */
  #rows(): Map<string, string[][]> {
    const { Config, keysOf } = this.#classes;
    const tables = new Map<string, string[][]>();
    for (const [name, { section, isList, kinds }] of keysOf(Config)) {
      if (!section) continue;
      const path = isList ? `${name}[]` : name;
      tables.set(path, this.#rowsOf(section(), path));
      for (const [kind, own] of kinds?.().classes ?? []) {
        tables.set(`${path} (${kind})`, this.#rowsOf(own, path, new Set(keysOf(section()).keys())));
      }
    }
    return tables;
  }

  /** A section without a text of its own is told by its keys. */
  #rowsOf(section: SectionClass, path: string, skipped: ReadonlySet<string> = new Set()): string[][] {
    const defaults = Reflect.construct(section, []) as Record<string, unknown>;
    return [...this.#classes.keysOf(section)].flatMap(([name, spec]) => {
      if (skipped.has(name)) return [];
      const at = `${path}.${name}${spec.section && spec.isList ? '[]' : ''}`;
      if (spec.section && spec.about === undefined) return this.#rowsOf(spec.section(), at);
      const { [name]: own } = defaults;
      const fallback = isPlain(own)
        ? `\`${String(own)}\``
        : (spec.fallback ?? (spec.isOptional || own !== undefined ? '' : 'required'));
      return [[`\`${at}\``, spec.about ?? '', valuesOf(spec.schema), fallback]];
    });
  }
}

interface SchemaOptions {
  /** Of the names of definitions. */
  readonly prefix: string;
  readonly isChart: boolean;
}

function only(properties: Schema): Schema {
  return { type: 'object', additionalProperties: false, required: Object.keys(properties), properties };
}

function isPlain(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

/** The text of a key without Markdown's links. */
function describe({ about, fallback }: KeySpec): Schema {
  if (about === undefined) return {};
  const text = about.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  return { description: fallback === undefined ? text : `${text}. Default: ${fallback}` };
}

function valuesOf({ type, enum: values, minimum, maximum }: Schema = {}): string {
  if (Array.isArray(values)) return values.map((value) => `\`${String(value)}\``).join(', ');
  if (type === 'boolean') return '`true`, `false`';
  const [min, max] = [minimum, maximum].map((bound) =>
    typeof bound === 'number' ? bound.toLocaleString('en') : undefined,
  );
  return min === undefined || max === undefined ? '' : `${min} to ${max}`;
}

function nameOf(section: SectionClass, { prefix }: SchemaOptions): string {
  const name = section.name.replace(/Section$/, '');
  if (name === 'Config') return 'config';
  return prefix === '' ? name.charAt(0).toLowerCase() + name.slice(1) : prefix + name;
}

/** The chart's schema with these definitions in place of those of the same prefix. */
export function withDefinitions(values: Schema, config: Readonly<Record<string, Schema>>): Schema {
  const others = Object.entries(values.definitions ?? {}).filter(([name]) => !name.startsWith('config'));
  return { ...values, definitions: { ...Object.fromEntries(others), ...config } };
}
