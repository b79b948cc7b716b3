import { NAMED_LISTS } from './named-lists.js';
import { keysOf, sectionsOf, type KeySpec, type SectionClass } from './schema.js';
import { ConfigFile } from './sections/config-file.section.js';

type Schema = Record<string, unknown>;

const SECRET: Schema = {
  anyOf: [
    { type: 'string', minLength: 1 },
    only({ file: { type: 'string', minLength: 1 } }),
    only({ env: { type: 'string', minLength: 1 } }),
  ],
};

/**
 * JSON Schema (draft 7) of the configuration file, for editors and for the chart. What it refuses, the broker refuses
 * too; rules between keys, and the forms of secrets, are the broker's alone.
 */
export function configSchema(): Schema {
  const { [nameOf(ConfigFile)]: root, ...definitions } = Object.fromEntries(
    [...sectionsOf(ConfigFile)].map((section) => [nameOf(section), schemaOf(section)]),
  );
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'The configuration file of access-token-broker',
    ...root,
    required: [...NAMED_LISTS],
    definitions: { ...definitions, secret: SECRET },
  };
}

function schemaOf(section: SectionClass): Schema {
  const defaults = new section() as Record<string, unknown>;
  const keys = [...keysOf(section)];
  const required = keys
    .filter(([name, { isOptional }]) => isOptional !== true && defaults[name] === undefined)
    // In a mapping by name it is left out; a list asks for it below.
    .map(([name]) => name)
    .filter((name) => name !== 'name');
  return {
    type: 'object',
    additionalProperties: false,
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(
      keys.map(([name, spec]) => {
        const fallback = defaults[name];
        const isPlain = ['string', 'number', 'boolean'].includes(typeof fallback);
        return [name, { ...valueSchema(name, spec), ...(isPlain && { default: fallback }) }];
      }),
    ),
  };
}

function valueSchema(name: string, { schema = {}, section, isList, secret, secrets }: KeySpec): Schema {
  const secretRef = { $ref: '#/definitions/secret' };
  if (secret) return secretRef;
  if (secrets) return { type: 'object', additionalProperties: secretRef };
  if (!section) return schema;
  const ref = { $ref: `#/definitions/${nameOf(section())}` };
  if (!isList) return ref;
  const isNamed = NAMED_LISTS.some((list) => list === name);
  const items = isNamed ? { allOf: [ref, { required: ['name'] }] } : ref;
  const list = { type: 'array', minItems: 1, items };
  return isNamed ? { anyOf: [list, { type: 'object', minProperties: 1, additionalProperties: ref }] } : list;
}

function only(properties: Schema): Schema {
  return { type: 'object', additionalProperties: false, required: Object.keys(properties), properties };
}

function nameOf(section: SectionClass): string {
  const name = section.name.replace(/Section$/, '');
  return name.charAt(0).toLowerCase() + name.slice(1);
}
