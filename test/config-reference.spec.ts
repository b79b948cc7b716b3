import { readFileSync } from 'node:fs';
import { ConfigReference, withDefinitions, type Schema } from '../ci/config-reference.js';
import { Config, NAMED_LISTS } from '../src/config/config.js';
import { keysOf, sectionsOf } from '../src/config/keys.js';

interface Node {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly unknown[];
}

const reference = new ConfigReference({ Config, NAMED_LISTS, keysOf, sectionsOf });
const read = (path: string) => readFileSync(path, 'utf8');
const all = [...sectionsOf(Config)];

describe('what is made of the classes of the configuration is up to date: npm run schema writes', () => {
  const schema = reference.schema() as unknown as Node & {
    readonly definitions: Readonly<Record<string, Node>>;
  };

  it('docs/config.schema.json', () => {
    expect(JSON.parse(read('docs/config.schema.json'))).toEqual(schema);
  });

  it('the tables of docs/configure.md', () => {
    const page = read('docs/configure.md');
    // Prettier aligns the columns.
    const plain = (text: string) => text.replaceAll(/ *\| */g, '|').replaceAll(/-{3,}/g, '---');
    expect(plain(page)).toBe(plain(reference.tables(page)));
  });

  it("the chart's list of the keys that hold an app's secret", () => {
    const keys = JSON.parse(read('helm/access-token-broker/files/secret-keys.json')) as Schema;
    expect(keys).toEqual(reference.secretKeys());
    expect(keys).toMatchObject({ wechat: 'appSecret' });
  });

  it("the chart's schema of config", () => {
    const values = JSON.parse(read('helm/access-token-broker/values.schema.json')) as Schema;
    expect(values).toEqual(withDefinitions(values, reference.chartDefinitions()));
  });

  it('has the bounds, forms and defaults of the sections', () => {
    const key = (section: string, name: string) => schema.definitions[section]?.properties?.[name];
    expect(key('wechat', 'appId')).toMatchObject({ type: 'string', pattern: '^wx[0-9a-f]{16}$' });
    expect(key('wechat', 'grant')).toMatchObject({ enum: ['stable', 'classic'], default: 'stable' });
    expect(key('refresh', 'leaseSeconds')).toMatchObject({ minimum: 0.01, maximum: 7200, default: 15 });
    expect(key('refresh', 'dailyBudget')).toMatchObject({
      minimum: 1,
      description: expect.stringMatching(/Default: 200$/) as string,
    });
    expect(key('redis', 'password')).toMatchObject({ $ref: '#/definitions/secret' });
    expect(schema.definitions.wechat?.required).toEqual(['appId', 'appSecret']);
  });

  it('takes apps and clients as lists, whose entries have names, or as mappings by name', () => {
    for (const name of ['apps', 'clients']) {
      expect(schema.properties?.[name]?.anyOf).toMatchObject([
        { type: 'array', items: { allOf: [{}, { required: ['name'] }] } },
        { type: 'object' },
      ]);
    }
  });
});

describe('every key of the configuration', () => {
  const keys = all.flatMap((section) =>
    [...keysOf(section)].map(([key, spec]) => ({ place: `${section.name}.${key}`, spec })),
  );

  it('has a text, or a section with texts', () => {
    expect(
      keys.filter(({ spec }) => spec.about === undefined && !spec.section).map(({ place }) => place),
    ).toEqual([]);
  });

  it('has a schema that says something, so that none is let through unseen', () => {
    const isTold = ({ schema, section, secret, secrets }: (typeof keys)[number]['spec']) =>
      [schema, section, secret, secrets].some((one) => one !== undefined);
    expect(keys.filter(({ spec }) => !isTold(spec)).map(({ place }) => place)).toEqual([
      'AppSection.provider',
      'WechatSection.provider',
      'WecomSection.provider',
      'Oauth2Section.provider',
      'QqSection.provider',
    ]);
  });

  it('that a variable stands for has it in the table of the page', () => {
    const page = read('docs/configure.md');
    const names = keys.flatMap(({ spec }) => (spec.variable ? [spec.variable.name] : []));
    expect(names.length).toBeGreaterThan(7);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
