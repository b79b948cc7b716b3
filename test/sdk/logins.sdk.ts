import { startBalancer } from '../support/balancer.js';
import { newApiKey, newApp } from '../support/broker-config.js';
import { startWorld, type World } from '../support/start-world.js';
import { LOGINS } from './commands.js';
import { LineProgram } from './line-program.js';

type Language = keyof typeof LOGINS;

const BACK = 'https://shop.example/back';
const KEYS = { shop: newApiKey(), other: newApiKey() };
const WEB = { name: 'shop', ...newApp(), more: { login: { redirectUris: [BACK] } } };
const MINI = { name: 'mini', ...newApp(), type: 'mini_program' as const };
const EXCHANGE = '/sns/oauth2/access_token';
const JSCODE = '/sns/jscode2session';

/** The program that it runs in, and that program's command. */
type Sdk = [name: string, language: Language, command: string];
const WEB_SDKS: Sdk[] = [
  ['node-easywechat', 'node', 'web'],
  ['wechatpy', 'python', 'web'],
  ['silenceper', 'go', 'web'],
  ['weixin-java-mp', 'java', 'web'],
];
const MINI_SDKS: Sdk[] = [
  ['node-easywechat', 'node', 'mini'],
  ['co-wechat-api', 'node', 'coWechat'],
  ['wechatpy', 'python', 'mini'],
  ['silenceper', 'go', 'mini'],
  ['weixin-java-miniapp', 'java', 'mini'],
];
const EXAMPLES = ['python', 'go', 'java', 'php'] as const;

let world: World;
/** Paths that the broker was asked for by programs. */
let asked: string[] = [];
let programs: ReadonlyMap<Language, LineProgram>;

beforeAll(async () => {
  world = await startWorld({
    apps: [WEB, MINI],
    keys: KEYS,
    // WxJava adds an access token to the login of a mini program.
    scopes: ['login', 'token:read'],
  });
  await world.broker.ready();
  const brokerUrl = await startBalancer([world.broker.url], (url) => asked.push(url.split('?')[0] ?? ''));
  const env = {
    BROKER_URL: brokerUrl,
    BROKER_API_KEY: KEYS.shop,
    REDIRECT_URI: BACK,
    WEB_APP_ID: WEB.appId,
    MINI_APP_ID: MINI.appId,
  };
  const languages = Object.keys(LOGINS) as Language[];
  const started = await Promise.all(
    languages.map(async (language): Promise<readonly [Language, LineProgram]> => {
      const program = new LineProgram(LOGINS[language], env);
      await program.greeting;
      return [language, program];
    }),
  );
  programs = new Map(started);
});

const ask = async (language: Language, ...line: readonly string[]) =>
  programs.get(language)?.ask(JSON.stringify(line));

/** Where the browser is sent when the user consents at the page. */
async function consent(page: string): Promise<URLSearchParams> {
  const { pathname, search } = new URL(page);
  const headers = { 'x-sim-user': 'mary' };
  const answer = await fetch(world.simulator.url + pathname + search, { redirect: 'manual', headers });
  return new URL(answer.headers.get('location') ?? '').searchParams;
}

async function newCode(kind: 'web' | 'mini'): Promise<string> {
  if (kind === 'mini') return world.simulator.login.createCode({ appId: MINI.appId, user: 'mary' }).code;
  const redirect = encodeURIComponent(BACK);
  const query = `appid=${WEB.appId}&redirect_uri=${redirect}&response_type=code&scope=snsapi_userinfo&state=abc`;
  const back = await consent(`https://open.weixin.qq.com/connect/oauth2/authorize?${query}#wechat_redirect`);
  return back.get('code') ?? '';
}

/** How often the code arrived at the platform. */
const sent = (code: string): number | undefined =>
  world.simulator.login.codes().find((one) => one.code === code)?.sent;

const isExchange = (path: string): boolean => path.startsWith('/sns/');

beforeEach(() => {
  asked = [];
});

describe.each<[page: string, kind: 'web' | 'mini', path: string, sdks: Sdk[]]>([
  ['web page', 'web', EXCHANGE, WEB_SDKS],
  ['mini program', 'mini', JSCODE, MINI_SDKS],
])('an SDK, as it is, that logs users of a %s in through the broker', (_, kind, path, sdks) => {
  it.each(sdks)(
    '%s gets the user for a code, and the same for the same code',
    async (_, language, command) => {
      const code = await newCode(kind);
      const login = await ask(language, command, KEYS.shop, code);
      expect(login).toMatchObject(
        kind === 'web'
          ? {
              openid: expect.stringMatching(/^o/) as string,
              nickname: expect.any(String) as string,
              valid: true,
            }
          : { openid: expect.stringMatching(/^o/) as string, session_key: expect.any(String) as string },
      );
      expect(await ask(language, command, KEYS.shop, code)).toMatchObject({ openid: login?.openid });
      expect(sent(code)).toBe(1);
    },
  );

  it.each(sdks)(
    '%s says 40163 of a code that somebody else used, and asks once',
    async (_, language, command) => {
      const code = await newCode(kind);
      const parameter = kind === 'web' ? 'code' : 'js_code';
      const appId = kind === 'web' ? WEB.appId : MINI.appId;
      const query = `appid=${appId}&secret=${KEYS.other}&${parameter}=${code}&grant_type=authorization_code`;
      expect((await world.broker.get(`${path}?${query}`)).body).toMatchObject({
        openid: expect.any(String) as string,
      });
      expect(await ask(language, command, KEYS.shop, code)).toEqual({
        error: expect.stringContaining('40163') as string,
      });
      expect(asked.filter(isExchange)).toEqual([path]);
      expect(sent(code)).toBe(1);
    },
  );

  it.each(sdks)('%s says 40163 after a lost answer, and asks once', async (_, language, command) => {
    const code = await newCode(kind);
    world.simulator.addFault({ path, reset: 'after' });
    expect(await ask(language, command, KEYS.shop, code)).toEqual({
      error: expect.stringContaining('40163') as string,
    });
    expect(asked.filter(isExchange)).toEqual([path]);
    expect(sent(code)).toBe(1);
  });

  it.each(sdks)(
    '%s says 40125 of a wrong API key, and the code is not sent',
    async (_, language, command) => {
      const code = await newCode(kind);
      const answer = await ask(language, command, newApiKey(), code);
      expect(answer).toEqual({ error: expect.stringContaining('40125') as string });
      // WxJava fails at the token that it adds to the login of a mini program.
      expect(asked).toHaveLength(1);
      expect(sent(code) ?? 0).toBe(0);
    },
  );
});

describe('the example of docs/login.md', () => {
  it.each(EXAMPLES)('in %s logs a user in, and in no other browser', async (language) => {
    const begun = await ask(language, 'begin');
    const back = await consent(String(begun?.url));
    const [code, state] = [back.get('code') ?? '', back.get('state') ?? ''];
    const stolen = await ask(language, 'end', code, state, 'b'.repeat(43));
    expect(stolen).toEqual({ error: 'state_mismatch', action: 'reauthorize' });
    expect(await ask(language, 'end', code, state, String(begun?.binding))).toMatchObject({
      openid: expect.stringMatching(/^o/) as string,
      session: expect.stringMatching(/^tbs_/) as string,
    });
    expect(sent(code)).toBe(1);
  });
});
