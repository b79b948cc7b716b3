import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { newApiKey, newApp } from '../support/broker-config.js';
import { startPlatform } from '../support/start-platform.js';
import { BriefBroker } from './brief-broker.js';
import { EXAMPLES, NODE_CLIENT } from './commands.js';
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
    const labels = [`route="${route}"`, `method="${method}"`, 'code="200"'];
    const texts = await Promise.all(world.replicas.map((replica) => replica.metrics()));
    const counts = texts.map((text) => {
      const line = text
        .split('\n')
        .find((one) => /http_requests_total\b/.test(one) && labels.every((label) => one.includes(label)));
      return Number(line?.split(' ').at(-1) ?? 0);
    });
    return counts.reduce((sum, count) => sum + count, 0);
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

  it.each(LANGUAGES)('in %s tries each call twice and no more', async (language) => {
    const { appId, program } = world.tried(language);
    const tries = () => {
      const counts = world.simulator.calls(appId).counts.filter(({ path }) => path === '/cgi-bin/user/info');
      return counts.reduce((sum, { requests }) => sum + requests, 0);
    };
    world.simulator.addFault({ appId, path: '/cgi-bin/user/info', errcode: 40001, times: 0 });
    const before = tries();
    const refused: unknown = expect.stringContaining('errcode 40001');
    expect(await program.ask('2')).toEqual({ outcomes: [refused, refused] });
    expect(tries() - before).toBe(4);
  });
});

describe('the example client', () => {
  let brief: BriefBroker;

  afterEach(async () => {
    await brief.leave();
  });

  async function startWith(language: Language, expiresIn: number): Promise<LineProgram> {
    const simulator = await startPlatform({ apps: [newApp()] });
    const { token } = simulator.rotateByOther();
    brief = await BriefBroker.start({
      access_token: token,
      generation: 5,
      expires_in: expiresIn,
      cache_max_age: 0,
    });
    const urls = { BROKER_URL: brief.url, WECHAT_URL: simulator.url };
    const program = new LineProgram(EXAMPLES[language], { ...urls, API_KEY: newApiKey(), APP: 'shop' });
    await program.greeting;
    expect(await program.ask('1')).toEqual(all('o-1', 1));
    return program;
  }

  it.each(LANGUAGES)('in %s keeps its token while the broker is away', async (language) => {
    const program = await startWith(language, 7200);
    await brief.leave();
    expect(await program.ask(String(CALLERS))).toEqual(all('o-1', CALLERS));
  });

  it.each(LANGUAGES)('in %s does not keep it beyond its end', async (language) => {
    const program = await startWith(language, 3);
    await brief.leave();
    await sleep(3000);
    expect(await program.ask('1')).toEqual({ outcomes: [expect.stringContaining('no access token from')] });
  });

  it.each(LANGUAGES)('in %s takes an older generation only when its own token is dead', async (language) => {
    const program = await startWith(language, 3);
    const { answer } = brief;
    brief.answer = { ...answer, access_token: 'older', generation: 1 };
    expect(await program.ask('1')).toEqual(all('o-1', 1));
    await sleep(3000);
    brief.answer = { ...answer, generation: 1, expires_in: 7200 };
    expect(await program.ask('1')).toEqual(all('o-1', 1));
  });
});

describe('the proxy that the environment names', () => {
  let connections: number;
  let proxy: Server;

  beforeEach(async () => {
    connections = 0;
    proxy = createServer((socket) => {
      connections += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
  });
  afterEach(() => {
    proxy.close();
  });

  it.each([...LANGUAGES, 'node'] as const)('is not asked for the broker in %s', async (language) => {
    const port = String((proxy.address() as AddressInfo).port);
    const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
    const command = language === 'node' ? NODE_CLIENT : EXAMPLES[language];
    // A name that only a proxy could find: some exempt the loopback address.
    const program = new LineProgram(command, {
      ...Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${port}`])),
      JAVA_TOOL_OPTIONS: `-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=${port}`,
      BROKER_URL: 'http://token-broker.invalid:8080',
      WECHAT_URL: 'http://127.0.0.1:1',
      API_KEY: newApiKey(),
      APP: 'shop',
    });
    await program.greeting;
    expect(await program.ask('1')).toEqual({
      outcomes: [expect.stringMatching(/token-broker\.invalid|unreachable/)],
    });
    expect(connections).toBe(0);
  });
});
