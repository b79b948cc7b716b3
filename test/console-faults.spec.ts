import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultInChinese } from '../packages/console/src/i18n/faults.zh.js';
import { ConfigError } from '../src/config/faults.js';
import { loadConfig } from '../src/config/load-config.js';
import { damagedConfig } from './support/damaged-config.js';
import { tempFile } from './support/temp-file.js';

const CHINESE = /[\u4e00-\u9fff]/u;
/** A word of an English text that is no name, such as of a key or a command. */
const ENGLISH = /\b(?:must|is|are|has|the|of|with|without|this|and|which|needs|cannot|not)\b/i;
const SAMPLES = 60;

const SRC = join(import.meta.dirname, '../src');
const LITERAL = /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g;
/** How the broker begins to say what is wrong with a key, or a part of that. */
const BEGINS_A_CLAUSE =
  /^(?:must|is|needs|has|holds|cannot|would|does|for all|this|there|no (?:app|caller|entry)|a number of hops|sentinels|sentinelUsername|the environment|redis\.url|proxy has|character|not an alias|text that)\b.* /;
/** The first text in a call that makes `must be …` of it. */
const EXPECTATION =
  /\b(?:problem|shapeProblem|Text|Url|OneOf|must|TextList)\((?:[^'"`()]|\([^)]*\))*?(?:'((?:[^'\\\n]|\\.)*)'|"([^"\n]*)"|`([^`]*)`)/g;
/** Of the log, and warnings: nobody is shown them here. Texts that go on in another literal, or are made of parts that stand elsewhere. */
const OF_OTHERS =
  /^(?:is added|is removed|is tried at once|is http:|is Redis without|is not read:|has no effect|the configuration (?:is|was|that)|there is no AppSecret yet|no variable|the environment variable\$|cannot read \$|must be \$\{what\})|\$\{[^}]*$|[^;] $/;
/** For what varies; clauses that are parameters are left out. */
const FILLED_IN = '7';

function sourcesOf(folder: string, isOne: (name: string) => boolean): string[] {
  const root = join(SRC, folder);
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(?:spec|contract)\./.test(name) && isOne(name))
    .map((name) => readFileSync(join(root, name), 'utf8'))
    .map((source) =>
      source
        .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
        .replace(/@About\(\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`)/g, ''),
    );
}

/** What the sections and their rules say, in the order of the source. */
function saidBySources(): string[] {
  const sources = [
    ...sourcesOf('config', (name) => !/command|config-changes/.test(name)),
    ...sourcesOf('platforms', (name) => name.endsWith('.section.ts')),
    ...sourcesOf('core', (name) => name === 'client-keys.ts'),
  ];
  const text = (match: RegExpExecArray): string =>
    (match[1] ?? match[2] ?? match[3] ?? '').replaceAll('\\`', '`');
  const said = sources.flatMap((source) => [
    ...[...source.matchAll(LITERAL)].map(text).filter((one) => BEGINS_A_CLAUSE.test(one)),
    ...[...source.matchAll(EXPECTATION)]
      .map(text)
      .filter((one) => one.includes(' '))
      .map((one) => `must be ${one}`),
  ]);
  const filled = said
    .filter((one) => !OF_OTHERS.test(one))
    .map((one) =>
      one
        .replace(/(?<=^(?:must|needs|no|is no) .*)[;:] (?:\$\{[^}]*\})?$|(?<=\w)\$\{[^}]*\}/g, '')
        .replaceAll(/\$\{[^}]*\}/g, FILLED_IN),
    );
  return [...new Set(filled)];
}

function expectChinese(fault: string): void {
  const said = faultInChinese(fault);
  if (!CHINESE.test(said) || ENGLISH.test(said)) throw new Error(`${fault}\n  is said as: ${said}`);
}

describe('a fault of the configuration, in the Chinese console', () => {
  const said = saidBySources();

  it('is found in the sources', () => {
    expect(said.length).toBeGreaterThan(120);
  });

  it.each(said)('is said in Chinese: %s', (text) => {
    expectChinese(text);
  });

  it('is said in Chinese whatever is damaged', () => {
    const faults = new Set<string>();
    for (const { text } of fc.sample(damagedConfig, { numRuns: SAMPLES, seed: 48 })) {
      try {
        loadConfig({ BROKER_CONFIG: tempFile(text) });
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        for (const { path, text: fault } of error.faults) faults.add(`${path}: ${fault}`);
      }
    }
    expect(faults.size).toBeGreaterThan(SAMPLES / 2);
    const missed = [...faults].flatMap((fault) => {
      const chinese = faultInChinese(fault);
      return !CHINESE.test(chinese) || ENGLISH.test(chinese) ? [`${fault} -> ${chinese}`] : [];
    });
    expect(missed).toEqual([]);
  });

  it.each([
    [
      "BROKER_APP_ID: must be the AppID from the platform's console, wx and 16 hex digits in lower case, such as wx0123456789abcdef, got text of 9 characters; character 3 is a space",
      'BROKER_APP_ID：应为平台后台显示的 AppID：wx 加 16 位小写十六进制字符，如 wx0123456789abcdef，现在是 9 个字符的文本；第 3 个字符是空格',
    ],
    [
      'must be the AppSecret, and this is an AppID: are appId and appSecret swapped?',
      '应为 AppSecret，填的却是 AppID：是不是把 appId 和 appSecret 填反了？',
    ],
    [
      'orders.yaml: clients[0].name: is the same as clients[2].name; it must be its own',
      'orders.yaml：clients[0].name：与 clients[2].name 重复；必须各不相同',
    ],
    [
      'clients[0].keys[0].file: cannot read /run/secrets/key: ENOENT: no such file or directory',
      'clients[0].keys[0].file：无法读取 /run/secrets/key：文件不存在',
    ],
    [
      'redis: must have exactly one of url, sentinels and clusterNodes, got url and sentinels',
      'redis：url、sentinels、clusterNodes 必须且只能设置一个，现在是 url 和 sentinels',
    ],
    [
      'apps[0].appSecret: the environment variable SHOP_SECRET is not set or empty',
      'apps[0].appSecret：环境变量 SHOP_SECRET 没有设置或为空',
    ],
    [
      'encryption: must be set with redis, or tokens would be stored in clear: make a key with `access-token-broker keygen --encryption` and list it under encryption.keys in the file that BROKER_CONFIG names',
      'encryption：使用 Redis 时必须设置，否则 token 会以明文存储：请用 `access-token-broker keygen --encryption` 生成密钥，写入 BROKER_CONFIG 所指文件的 encryption.keys',
    ],
  ])('is a sentence: %s', (english, chinese) => {
    expect(faultInChinese(english)).toBe(chinese);
  });

  it('is shown as it is where a part of it has no translation', () => {
    const fault = 'apps[0].appId: must be the AppID; and the moon must be full';
    expect(faultInChinese(fault)).toBe(fault);
  });
});
