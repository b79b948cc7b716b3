import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configSchema } from './json-schema.js';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly [key: string]: unknown;
}

describe('the JSON Schema of the configuration', () => {
  const schema = configSchema() as Schema;
  const key = (section: string, name: string) => schema.definitions?.[section]?.properties?.[name];

  it('is what docs/config.schema.json holds: npm run schema writes it', () => {
    const file = readFileSync(join(import.meta.dirname, '../../docs/config.schema.json'), 'utf8');
    expect(JSON.parse(file)).toEqual(schema);
  });

  it('has the bounds, forms and defaults of the sections', () => {
    expect(key('wechat', 'appId')).toEqual({ type: 'string', pattern: '^wx[0-9a-f]{16}$' });
    expect(key('wechat', 'grant')).toEqual({ enum: ['stable', 'classic'], default: 'stable' });
    expect(key('refresh', 'dailyBudget')).toEqual({
      type: 'integer',
      minimum: 1,
      maximum: 500_000,
      default: 200,
    });
    expect(key('redis', 'password')).toEqual({ $ref: '#/definitions/secret' });
    expect(schema.definitions?.wechat?.required).toEqual(['appId', 'appSecret']);
  });

  it('takes apps and clients as lists, whose entries have names, or as mappings by name', () => {
    for (const name of ['apps', 'clients']) {
      expect(schema.properties?.[name]?.anyOf).toMatchObject([
        { type: 'array', items: { allOf: [{}, { required: ['name'] }] } },
        { type: 'object' },
      ]);
    }
  });

  it('describes every key, so that none is let through unseen', () => {
    const described = Object.values({ root: schema, ...schema.definitions }).flatMap(({ properties = {} }) =>
      Object.entries(properties).filter(([, value]) => Object.keys(value).length > 0),
    );
    expect(described.length).toBeGreaterThan(40);
    const all = Object.values({ root: schema, ...schema.definitions }).flatMap(({ properties = {} }) =>
      Object.keys(properties),
    );
    expect(all.filter((name) => !described.some(([described]) => described === name))).toEqual([]);
  });
});
