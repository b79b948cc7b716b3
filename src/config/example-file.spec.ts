import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

interface JsonSchema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

const SCHEMA = JSON.parse(read('docs/config.schema.json')) as JsonSchema;
const HOW_A_SECRET_IS_GIVEN = ['file', 'env'];

/** Every key, with those that it stands under: `apps.refresh.dailyBudget`. */
function keysIn(schema: JsonSchema): Set<string> {
  const { $ref, properties = {}, items, anyOf = [], allOf = [] } = schema;
  const named = $ref === undefined ? undefined : SCHEMA.definitions?.[$ref.split('/').at(-1) ?? ''];
  const own = Object.entries(properties).filter(([key]) => !HOW_A_SECRET_IS_GIVEN.includes(key));
  const nested = own.flatMap(([key, value]) => [key, ...[...keysIn(value)].map((one) => `${key}.${one}`)]);
  const others = [named, items, ...anyOf, ...allOf].filter((one) => one !== undefined);
  return new Set([...nested, ...others.flatMap((one) => [...keysIn(one)])]);
}

/** The file as it reads when every key that is commented out counts. */
const uncommented = (text: string): string =>
  text.replaceAll(/^( *)# (?= *(?:- \{|(?:- )?[\w-]+:(?: |$)))/gm, '$1');

function keysOfTree(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(keysOfTree);
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => [
    key,
    ...keysOfTree(value).map((one) => `${key}.${one}`),
  ]);
}

describe('config.example.yaml', () => {
  it('has every key of the schema', () => {
    const shown = new Set(keysOfTree(parse(uncommented(read('config.example.yaml')))));
    expect([...keysIn(SCHEMA)].filter((key) => !shown.has(key))).toEqual([]);
  });

  it('gives the defaults that the schema has', () => {
    const text = uncommented(read('config.example.yaml'));
    const defaults = JSON.stringify(SCHEMA).matchAll(/"(\w+)":\{[^{}]*"default":("[^"]*"|[\w.]+)/g);
    for (const [, key = '', value = ''] of defaults) {
      expect(text).toMatch(
        new RegExp(`^[- ]*${key}: ["']?${value.replaceAll(/^"|"$/g, '')}["']?(?: |$)`, 'm'),
      );
    }
  });
});
