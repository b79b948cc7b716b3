import { rmSync, writeFileSync } from 'node:fs';
import type { FaultSpec, WechatSimulator } from '@access-token-broker/simulator';
import { newApp } from './support/broker-config.js';
import type { BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import type { HttpAnswer } from './support/http-client.js';
import { poll } from './support/poll.js';
import { startWorld } from './support/start-world.js';
import { tempFile } from './support/temp-file.js';

describe('a refusal that only a person can cure', () => {
  const LIFE_SECONDS = 2;
  /** The address of documentation, which this machine does not have. */
  const ELSEWHERE = ['192.0.2.1'];
  const IP = { errcode: 40164, remedy: /IP whitelist/ };
  const SECRET = { errcode: 40125, remedy: /AppSecret is wrong or was reset/ };
  const COLD = [
    { name: 'cold-ip', ...newApp(), ...IP },
    { name: 'cold-secret', ...newApp(), ...SECRET },
  ];
  const WARM = [
    { name: 'warm-ip', ...newApp(), ...IP },
    { name: 'warm-secret', ...newApp(), ...SECRET },
  ];
  const answers: Record<string, HttpAnswer[]> = {};
  let simulator: WechatSimulator;
  let broker: BrokerProcess;

  beforeAll(async () => {
    ({ simulator, broker } = await startWorld({
      apps: [...COLD, ...WARM],
      platform: { expiresInSeconds: LIFE_SECONDS },
      before: (platform) => {
        refuse(platform, COLD);
      },
    }));
    await broker.ready();
    refuse(simulator, WARM);
    const callers = [...COLD, ...WARM, ...COLD, ...WARM].map(async ({ name }) => {
      const polled = await poll(() => broker.get(`/token?app=${name}`), {
        forMs: 1.75 * LIFE_SECONDS * 1000,
        pauseMs: 20,
      });
      answers[name] = [...(answers[name] ?? []), ...polled];
    });
    await Promise.all(callers);
  }, 20_000);

  function refuse(platform: WechatSimulator, apps: typeof COLD): void {
    for (const { appId, errcode } of apps) {
      if (errcode === IP.errcode) platform.setIpWhitelist(ELSEWHERE, appId);
      else platform.resetSecret(newApp().appSecret, appId);
    }
  }

  it.each(COLD)(
    'costs one call, whoever asks: $errcode before the first token',
    ({ name, appId, errcode }) => {
      const asked = answers[name] ?? [];
      expect(asked.length).toBeGreaterThan(50);
      expect(new Set(asked.map(outcomeOf))).toEqual(new Set([`503 no_token_yet ${String(errcode)}`]));
      expect(simulator.calls(appId).fetches).toBe(1);
    },
  );

  it.each(WARM)('leaves a living token in use: $errcode', ({ name, appId, errcode }) => {
    const asked = answers[name] ?? [];
    expect(new Set(asked.map(outcomeOf))).toEqual(new Set(['200', `503 token_expired ${String(errcode)}`]));
    expect(simulator.calls(appId).fetches).toBe(2);
    const expiresAtMs = Date.parse(String(asked.find(({ status }) => status === 200)?.body.expires_at));
    const refusedAtMs = asked.filter(({ status }) => status === 503).map(({ endedAtMs }) => endedAtMs);
    // Two processes may read the wall clock a little differently.
    expect(Math.min(...refusedAtMs)).toBeGreaterThan(expiresAtMs - 50);
  });

  it.each([...COLD, ...WARM])(
    'says in $name what to do about it, and when to ask again',
    ({ name, errcode, remedy }) => {
      const refusals = (answers[name] ?? []).filter(({ status }) => status === 503);
      for (const { body, headers } of refusals) {
        expect(body.detail).toMatch(remedy);
        const retryAfter = Number(headers.get('retry-after'));
        expect(retryAfter).toBe(body.retry_after);
        // Five minutes from the one call; but a replica with another address may answer sooner.
        const isOfAddress = errcode === IP.errcode;
        expect(retryAfter).toBeGreaterThan(isOfAddress ? 4 : 290);
        expect(retryAfter).toBeLessThanOrEqual(isOfAddress ? 5 : 300);
      }
    },
  );

  it.each([...COLD, ...WARM])('logs in $name what to do about it, once', ({ name, errcode, remedy }) => {
    const lines = broker.logs().filter(({ app, level }) => app === name && level === 'error');
    expect(lines).toEqual([
      expect.objectContaining({
        event: 'token.fetch_ended',
        outcome: 'refused',
        errcode,
        remedy: expect.stringMatching(remedy),
        retry_in_s: 300,
      }),
    ]);
  });
});

describe('a platform that fails', () => {
  const LIFE_SECONDS = 3;
  /** How much slower than a route that asks nobody an answer may be; a busy machine slows both. */
  const PROMPT_MS = 250;
  const FAULTS: readonly FaultSpec[] = [
    { hang: true },
    { delayBeforeMs: 1000 },
    { delayAfterMs: 1000 },
    { reset: 'before' },
    { reset: 'after' },
    { dropReply: true },
    { truncate: true },
    { garbage: 'html' },
    { garbage: 'huge' },
    { status: 502 },
    { errcode: -1 },
  ];
  const APPS = FAULTS.map((fault, index) => ({
    name: `app-${String(index)}`,
    title: JSON.stringify(fault),
    fault,
    ...newApp(),
  }));
  const answers: Record<string, HttpAnswer[]> = {};
  let idle: HttpAnswer[];
  let simulator: WechatSimulator;
  let broker: BrokerProcess;

  beforeAll(async () => {
    ({ simulator, broker } = await startWorld({
      apps: APPS,
      platform: { expiresInSeconds: LIFE_SECONDS },
    }));
    await broker.ready();
    for (const { appId, fault } of APPS) simulator.addFault({ appId, times: 0, ...fault });
    // Beyond the first failed fetch, and not to the expiry, where callers may wait.
    const times = { forMs: 0.75 * LIFE_SECONDS * 1000, pauseMs: 20 };
    await Promise.all([
      ...APPS.map(async ({ name }) => {
        answers[name] = await poll(() => broker.get(`/token?app=${name}`), times);
      }),
      poll(() => broker.get('/health/live'), times).then((polled) => (idle = polled)),
    ]);
  }, 20_000);

  it.each(APPS)('makes nobody wait who can have a living token: $title', ({ name, appId }) => {
    const asked = answers[name] ?? [];
    const expiresAtMs = Date.parse(String(asked[0]?.body.expires_at));
    expect(simulator.calls(appId).log.filter(({ fault }) => fault !== null)).not.toEqual([]);

    const inLife = asked.filter(({ endedAtMs }) => endedAtMs < expiresAtMs - 50);
    expect(new Set(inLife.map(outcomeOf))).toEqual(new Set(['200']));
    const early = asked.filter(({ startedAtMs }) => startedAtMs < expiresAtMs - 2 * PROMPT_MS);
    expect(slowestMs(early)).toBeLessThan(slowestMs(idle) + PROMPT_MS);
  });
});

// Concurrent, because they mostly wait; each has a world of its own.
describe('recovery', () => {
  it.concurrent(
    'a platform that is down means 503 once the token has expired, and a new token as soon as it is back',
    async () => {
      const { simulator, broker } = await startWorld({
        apps: [{ name: 'shop', ...newApp() }],
        platform: { expiresInSeconds: 1 },
      });
      const token = await broker.token();
      const fault = simulator.addFault({ times: 0, reset: 'before' });

      const refusal = await eventually('expired', async () => {
        const answer = await broker.get('/token');
        return answer.status === 503 && answer;
      });
      expect(outcomeOf(refusal)).toBe('503 token_expired');
      expect(refusal.body.detail).toMatch(/Something closed the connection/);
      expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(Number(refusal.headers.get('retry-after'))).toBeLessThanOrEqual(60);

      simulator.removeFault(fault);
      const next = await eventually('served again', () => broker.token().catch(() => null));
      expect(next).not.toBe(token);
      expect(simulator.verdict(next).newest).toBe(true);
    },
    20_000,
  );

  it.concurrent(
    'an app whose secret file is empty keeps no other from being served, and has its token once the file is there',
    async () => {
      const [shop, late] = [
        { name: 'shop', ...newApp() },
        { name: 'late', ...newApp() },
      ];
      const secretFile = tempFile('');
      const { broker } = await startWorld({ apps: [shop, { ...late, secretFile }] });
      await broker.ready();
      expect(await broker.token('shop')).toEqual(expect.any(String));
      expect(outcomeOf(await broker.get('/token?app=late'))).toBe('503 no_token_yet');
      const apps = async (): Promise<unknown> => (await broker.get('/apps')).body;
      expect(Object.values(Object(await apps()) as object)).toContainEqual(
        expect.objectContaining({
          app: 'late',
          state: 'pending',
          last_error: expect.objectContaining({
            message: expect.stringContaining(secretFile) as string,
            remedy: expect.stringContaining('apps[].appSecret') as string,
          }) as object,
        }),
      );
      expect(await broker.metrics()).toContain(
        'tokenbroker_upstream_config_error{app="late",errcode="no_secret"} 1',
      );

      writeFileSync(secretFile, `${late.appSecret}\n`);
      await eventually('served', () => broker.token('late').catch(() => null), 10_000);
    },
    30_000,
  );

  it.concurrent(
    'a secret file that vanishes is told until it is back, and costs no token',
    async () => {
      const app = newApp();
      const secretFile = tempFile(app.appSecret);
      const { broker } = await startWorld({ apps: [{ name: 'shop', ...app, secretFile }] });
      const token = await broker.token();
      const state = async (): Promise<string> => {
        const [shop] = JSON.parse((await broker.get('/apps')).text) as [
          { last_error: { message: string } | null },
        ];
        return shop.last_error?.message ?? 'none';
      };
      rmSync(secretFile);
      await eventually('told', async () =>
        (await state()).startsWith('the AppSecret cannot be read any more'),
      );
      expect(await state()).toContain(secretFile);
      expect(await broker.token()).toBe(token);

      writeFileSync(secretFile, app.appSecret);
      await eventually('forgotten', async () => (await state()) === 'none');
      expect(broker.logs().map(({ event }) => event)).toContain('secret.readable');
    },
    30_000,
  );

  it.concurrent(
    'a new AppSecret in the secret file is tried at once, however long the old one had to wait',
    async () => {
      const app = newApp();
      const newSecret = newApp().appSecret;
      const secretFile = tempFile(`${app.appSecret}\n`);
      const { simulator, broker } = await startWorld({
        apps: [{ name: 'shop', ...app, secretFile }],
        before: (platform) => {
          platform.resetSecret(newSecret);
        },
      });
      const refusal = await broker.get('/token');
      expect(outcomeOf(refusal)).toBe('503 no_token_yet 40125');

      writeFileSync(secretFile, `${newSecret}\n`);
      const token = await eventually('served', () => broker.token().catch(() => null), 10_000);
      expect(simulator.verdict(token).valid).toBe(true);
      expect(simulator.calls().fetches).toBe(2);
    },
    20_000,
  );
});

function slowestMs(answers: readonly HttpAnswer[]): number {
  return Math.max(...answers.map(({ tookMs }) => tookMs));
}

function outcomeOf({ status, body }: HttpAnswer): string {
  const parts = [status, body.code, body.errcode];
  return parts.filter((part) => typeof part === 'number' || typeof part === 'string').join(' ');
}
