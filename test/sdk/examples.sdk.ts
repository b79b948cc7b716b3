import { setTimeout as sleep } from 'node:timers/promises';
import { newApiKey, newApp } from '../support/broker-config.js';
import { startPlatform } from '../support/start-platform.js';
import { BriefBroker } from './brief-broker.js';
import { EXAMPLES } from './commands.js';
import { LineProgram } from './line-program.js';
import { startSdkWorld, type SdkWorld } from './start-sdk-world.js';

type Language = keyof typeof EXAMPLES;

const LANGUAGES = Object.keys(EXAMPLES) as Language[];
const CALLERS = 100;

const all = (outcome: string, count: number) => ({ outcomes: Array.from({ length: count }, () => outcome) });

describe('the example client', () => {
  let world: SdkWorld<Language>;

  beforeAll(async () => {
    world = await startSdkWorld(EXAMPLES, 'stable');
  });

  /** How often the broker answered 200. */
  async function answered(route: string, method: string): Promise<number> {
    const { text } = await world.broker.get('/metrics');
    const labels = [`route="${route}"`, `method="${method}"`, 'code="200"'];
    const line = text
      .split('\n')
      .find((one) => /http_requests_total\b/.test(one) && labels.every((label) => one.includes(label)));
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  it.each(LANGUAGES)('in %s asks the broker once for a hundred calls at once', async (language) => {
    const { program } = world.tried(language);
    const before = await answered('/token', 'GET');
    expect(await program.ask(String(CALLERS))).toEqual(all('o-1', CALLERS));
    expect(await answered('/token', 'GET')).toBe(before + 1);
  });

  it.each(LANGUAGES)('in %s reports a killed token once for all who saw it refused', async (language) => {
    const { appId, program } = world.tried(language);
    const before = await answered('/token/refresh', 'POST');
    world.simulator.killToken({ appId });
    expect(await program.ask(String(CALLERS))).toEqual(all('o-1', CALLERS));
    expect(await answered('/token/refresh', 'POST')).toBe(before + 1);
    expect(world.simulator.calls(appId).fetches).toBe(2);
  });

  it.each(LANGUAGES)('in %s tries twice and no more', async (language) => {
    const { appId, program } = world.tried(language);
    const tries = () => world.simulator.calls(appId).log.filter(({ path }) => path === '/cgi-bin/user/info');
    world.simulator.addFault({ appId, path: '/cgi-bin/user/info', errcode: 40001, times: 0 });
    const before = tries().length;
    expect(await program.ask('1')).toEqual({ outcomes: [expect.stringContaining('errcode 40001')] });
    expect(tries().length - before).toBe(2);
  });
});

describe('the example client whose broker goes away', () => {
  let gone: BriefBroker;

  afterEach(async () => {
    await gone.leave();
  });

  async function startWith(language: Language, expiresIn: number): Promise<LineProgram> {
    const simulator = await startPlatform({ apps: [newApp()] });
    const { token } = simulator.rotateByOther();
    gone = await BriefBroker.start({
      access_token: token,
      generation: 1,
      expires_in: expiresIn,
      cache_max_age: 0,
    });
    const urls = { BROKER_URL: gone.url, WECHAT_URL: simulator.url };
    const program = new LineProgram(EXAMPLES[language], { ...urls, API_KEY: newApiKey(), APP: 'shop' });
    await program.greeting;
    expect(await program.ask('1')).toEqual(all('o-1', 1));
    await gone.leave();
    return program;
  }

  it.each(LANGUAGES)('in %s keeps its token', async (language) => {
    const program = await startWith(language, 7200);
    expect(await program.ask(String(CALLERS))).toEqual(all('o-1', CALLERS));
  });

  it.each(LANGUAGES)('in %s does not keep it beyond its end', async (language) => {
    const program = await startWith(language, 3);
    await sleep(3000);
    expect(await program.ask('1')).toEqual({ outcomes: [expect.stringContaining('no access token from')] });
  });
});
