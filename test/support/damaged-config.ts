import fc from 'fast-check';
import { stringify } from 'yaml';
import { Config } from '../../src/config/config.js';
import { keysOf, type KeySpec, type SectionClass } from '../../src/config/keys.js';
import type { SecretForm } from '../../src/config/secret-text.js';
import { SELF_SIGNED } from './test-certificates.js';

/** A configuration with a secret under every key that takes one, which somebody has damaged. */
export interface DamagedConfig {
  readonly text: string;
  readonly secrets: readonly string[];
}

type Tree = Record<string, unknown>;
type Place = readonly (string | number)[];

/** Parts of secrets as short as this must not be shown. */
const SHOWN_PART = 6;
const EXAMPLES = 'wx0123456789abcdef 0123456789';

/** All parts of the secrets that the text shows. */
export function shownParts(text: string, secrets: readonly string[]): string[] {
  return secrets.flatMap((secret) =>
    Array.from({ length: secret.length - SHOWN_PART + 1 }, (_, at) =>
      secret.slice(at, at + SHOWN_PART),
    ).filter((part) => text.includes(part)),
  );
}

/** A hundred hex texts, all of them different from what examples and texts say. */
const HEX = fc.sample(
  fc
    .array(fc.constantFrom(...Array.from('0123456789abcdef')), { minLength: 32, maxLength: 32 })
    .map((digits) => digits.join(''))
    .filter((text) => shownParts(EXAMPLES, [text]).length === 0 && new Set(text).size > 8),
  100,
);
const SHAPES: readonly ((hex: string) => { readonly text: string; readonly secret: string })[] = [
  (hex) => ({ text: hex, secret: hex }),
  (hex) => {
    const base64 = Buffer.from(hex).toString('base64');
    return { text: base64, secret: base64 };
  },
  (hex) => ({ text: `redis://user:${hex}@host:6379/0`, secret: hex }),
  (hex) => ({ text: `http://user:${hex}@host:3128`, secret: hex }),
  (hex) => ({ text: `${SELF_SIGNED.cert}${hex}\n`, secret: hex }),
  (hex) => ({ text: `${SELF_SIGNED.key}${hex}\n`, secret: hex }),
  (hex) => ({ text: JSON.stringify({ keys: [{ kty: 'OKP', x: hex }] }), secret: hex }),
];

/** A secret that has the form, with the part of it that nobody may see. */
function secretOf(form: SecretForm, hex: string): { readonly text: string; readonly secret: string } {
  const found = SHAPES.map((shape) => shape(hex)).find(({ text }) => form(text) === undefined);
  if (!found) throw new Error('no shape of a secret has the form that a section asks for: add one to SHAPES');
  return found;
}

const SAMPLES: Readonly<Record<string, unknown>> = {
  adminPort: 1,
  san: 'orders.shop.svc',
  sha256: 'c'.repeat(64),
  expiresAt: '2100-01-01T00:00:00Z',
  apps: '*',
  scopes: ['gateway'],
  apiBaseUrl: 'https://api.weixin.qq.com',
  endpoint: 'http://collector:4318/v1/traces',
  destination: 'stdout',
  tokenUrl: 'https://login.example/oauth2/token',
  parameters: { audience: 'https://api.example' },
  leaseSeconds: 15,
  upstreamTimeoutSeconds: 8,
  proxyFromEnvironment: false,
  localAddress: '127.0.0.1',
};
/** Where a pattern allows it: a URL has to be more than its pattern says. */
const ANY_URL = 'https://shop.example';
const ofPattern = new Map<string, string>();

function plainOf(name: string, schema: KeySpec['schema'] = {}): unknown {
  if (name in SAMPLES) return structuredClone(SAMPLES[name]);
  const { type, pattern, minimum, items, anyOf, enum: values } = schema as JsonSchema;
  if (values) return values[0];
  if (pattern !== undefined && new RegExp(pattern).test(ANY_URL)) return ANY_URL;
  if (pattern !== undefined) {
    const text = ofPattern.get(pattern) ?? fc.sample(fc.stringMatching(new RegExp(pattern)), 1)[0] ?? '';
    ofPattern.set(pattern, text);
    return text;
  }
  if (type === 'boolean') return true;
  if (type === 'array') return [plainOf('', items)];
  return anyOf ? plainOf(name, anyOf[0]) : (minimum ?? 1);
}

interface JsonSchema {
  readonly type?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly items?: KeySpec['schema'];
  readonly anyOf?: readonly KeySpec['schema'][];
  readonly enum?: readonly unknown[];
}

/** A tree with every key that the sections know, so that a new key is there by itself. Adds its secrets to `secrets`. */
function treeOf(section: SectionClass, nextHex: () => string, secrets: string[]): Tree {
  const secret = (form: SecretForm): string => {
    const { text, secret } = secretOf(form, nextHex());
    secrets.push(secret);
    return text;
  };
  const valueOf = (name: string, spec: KeySpec): unknown => {
    if (spec.secret) return secret(spec.secret);
    if (spec.secrets) return { 'x-collector-key': secret(spec.secrets) };
    if (!spec.section) return plainOf(name, spec.schema);
    if (spec.kinds) {
      const { key, classes } = spec.kinds();
      return [...classes].map(([kind, own]) => ({
        ...treeOf(own, nextHex, secrets),
        name: kind,
        [key]: kind,
      }));
    }
    const nested = treeOf(spec.section(), nextHex, secrets);
    return spec.isList ? [nested] : nested;
  };
  return Object.fromEntries([...keysOf(section)].map(([name, spec]) => [name, valueOf(name, spec)]));
}

function leaves(node: unknown, place: Place = []): Place[] {
  if (typeof node !== 'object' || node === null) return [place];
  return Object.entries(node).flatMap(([key, child]) =>
    leaves(child, [...place, Array.isArray(node) ? Number(key) : key]),
  );
}

function holderOf(tree: Tree, place: Place): Tree {
  return place.slice(0, -1).reduce<unknown>((node, key) => (node as Tree)[key], tree) as Tree;
}

const last = (place: Place): string => String(place.at(-1));
const get = (tree: Tree, place: Place): unknown => holderOf(tree, place)[last(place)];
const set = (tree: Tree, place: Place, value: unknown): void => {
  holderOf(tree, place)[last(place)] = value;
};

/** What goes wrong in the tree, at two of its leaves. */
const TREE_DAMAGES: Readonly<Record<string, (tree: Tree, one: Place, other: Place) => void>> = {
  swapped: (tree, one, other) => {
    const value = get(tree, one);
    set(tree, one, get(tree, other));
    set(tree, other, value);
  },
  copied: (tree, one, other) => {
    set(tree, other, get(tree, one));
  },
  inList: (tree, one) => {
    set(tree, one, [get(tree, one)]);
  },
  inMapping: (tree, one) => {
    set(tree, one, { [last(one)]: get(tree, one) });
  },
  asFile: (tree, one) => {
    set(tree, one, { file: get(tree, one) });
  },
  asVariable: (tree, one) => {
    set(tree, one, { env: get(tree, one) });
  },
  asKey: (tree, one) => {
    holderOf(tree, one)[String(get(tree, one))] = null;
  },
  underOther: (tree, one, other) => {
    set(tree, other, { [last(one)]: get(tree, one) });
  },
  misnamed: (tree, one) => {
    holderOf(tree, one)[`${last(one)}x`] = get(tree, one);
    Reflect.deleteProperty(holderOf(tree, one), last(one));
  },
  asNumber: (tree, one) => {
    set(tree, one, Number.parseInt(String(get(tree, one)).replaceAll(/\D/g, ''), 10));
  },
  withSurrogate: (tree, one) => {
    set(tree, one, `${String(get(tree, one))}\ud800`);
  },
  none: () => undefined,
};

/** What goes wrong in the text, at one of its lines. */
const TEXT_DAMAGES: Readonly<Record<string, (line: string, at: number, mark: string) => string>> = {
  none: (line) => line,
  withoutSpace: (line) => line.replace(': ', ':'),
  twice: (line) => `${line}\n${line}`,
  marked: (line, at, mark) =>
    line.slice(0, at % (line.length + 1)) + mark + line.slice(at % (line.length + 1)),
  unindented: (line) => line.trimStart(),
  commented: (line) => line.replace(': ', ': # '),
};
const MARKS = Array.from('{}[]:,&*!|>?-"\'#%@` \n\t\u200b\ufeff\0');

/** Keys of `redis` that exclude each other: one of these rows stays. */
const SERVERS = [['url'], ['sentinels', 'name', 'sentinelUsername', 'sentinelPassword'], ['clusterNodes']];
const BESIDE_A_URL = ['username', 'password'];
/** The URL of a proxy has both. */
const BESIDE_A_PROXY = ['proxyUsername', 'proxyPassword'];
/** Those that others exclude: of an issuer, of a subject. */
const BESIDE_JWKS = ['jwksUri', 'caFile', 'tokenFile'];

interface Damage {
  readonly start: number;
  readonly server: readonly string[];
  readonly damage?: (tree: Tree, one: Place, other: Place) => void;
  readonly textDamage?: (line: string, at: number, mark: string) => string;
  readonly one?: number;
  readonly other?: number;
  readonly line?: number;
  readonly mark?: string;
}

function damaged({
  start,
  server,
  damage,
  textDamage,
  one = 0,
  other = 0,
  line = 0,
  mark = '',
}: Damage): DamagedConfig {
  let next = start;
  const secrets: string[] = [];
  const tree = treeOf(Config, () => HEX[next++ % HEX.length] ?? '', secrets);
  // It names a folder, and holds no secret.
  Reflect.deleteProperty(tree, 'configDir');
  const redis = tree.redis as Tree;
  const excluded = [...SERVERS.flat(), ...(server.includes('url') ? BESIDE_A_URL : [])];
  for (const key of excluded) if (!server.includes(key)) Reflect.deleteProperty(redis, key);

  for (const holder of [tree, ...(tree.apps as Tree[])]) {
    for (const key of BESIDE_A_PROXY) Reflect.deleteProperty(holder.egress as Tree, key);
  }
  for (const [path, keys] of [
    [['identities', 'jwt', 0], BESIDE_JWKS],
    [['clients', 0, 'subjects', 0], ['sub']],
    [['clients', 0, 'keys', 0], ['file']],
  ] as const) {
    for (const key of keys) Reflect.deleteProperty(get(tree, path) as Tree, key);
  }

  const places = leaves(tree);
  const secretPlaces = places.filter((place) =>
    secrets.some((secret) => String(get(tree, place)).includes(secret)),
  );
  damage?.(tree, secretPlaces[one % secretPlaces.length] ?? [], places[other % places.length] ?? []);
  const lines = stringify(tree).split('\n');
  const at = line % lines.length;
  if (textDamage) lines[at] = textDamage(lines[at] ?? '', other, mark);
  return { text: lines.join('\n'), secrets };
}

export const damagedConfig: fc.Arbitrary<DamagedConfig> = fc
  .record({
    start: fc.nat({ max: HEX.length }),
    server: fc.constantFrom(...SERVERS),
    damage: fc.constantFrom(...Object.values(TREE_DAMAGES)),
    textDamage: fc.constantFrom(...Object.values(TEXT_DAMAGES)),
    one: fc.nat(),
    other: fc.nat(),
    line: fc.nat(),
    mark: fc.constantFrom(...MARKS),
  })
  .map(damaged);

/** One for each kind of Redis, which nobody has damaged. */
export const SOUND_CONFIGS: readonly DamagedConfig[] = SERVERS.map((server) => damaged({ start: 0, server }));
