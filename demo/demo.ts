/**
 * `npm run demo`: a simulated WeChat with short-lived tokens, the broker in front of it, and what the broker is for, step by
 * step. It goes on until Ctrl-C; `-- --once` ends after the last step. Exit code 1 if a step did not happen.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, styleText } from 'node:util';
import { INTERRUPTED, over, start } from './processes.ts';

/** WeChat's 7200 s and 300 s, and the broker's 900 s, short enough to watch. */
const LIFE_SECONDS = 12;
const GRACE_SECONDS = 4;
const AHEAD_SECONDS = 5;

const CALLERS = 20;
const STEP_LIMIT_SECONDS = 15;

const APP_ID = 'wx0123456789abcdef';
const APP_SECRET = randomBytes(16).toString('hex');
const newKey = (): string => `tbk_${randomBytes(32).toString('base64url')}`;
const API_KEY = newKey();
const CONSOLE_KEY = newKey();

type Json = Readonly<Record<string, unknown>>;

interface Token {
  readonly access_token: string;
  readonly expires_in: number;
  readonly generation: number;
}

function startPlatform() {
  const times = ['--expires-in', String(LIFE_SECONDS), '--grace', String(GRACE_SECONDS)];
  const app = ['--app-id', APP_ID, '--app-secret', APP_SECRET, '--day-quota', '1000000'];
  return start('the simulator', ['dist/cli.js', 'simulate', '--port', '0', ...times, ...app]);
}

function startBroker(apiBaseUrl: string, directory: string) {
  const hashOf = (key: string): string[] => [createHash('sha256').update(key).digest('hex')];
  const scopes = ['token:read', 'token:refresh'];
  const refresh = { aheadSeconds: AHEAD_SECONDS, jitterSeconds: 0.2, dailyBudget: 100_000 };
  const platform = { appId: APP_ID, appSecret: { env: 'SHOP_SECRET' }, apiBaseUrl };
  const config = {
    server: { host: '127.0.0.1', port: 0 },
    apps: [{ name: 'shop', grant: 'classic', ...platform, refresh }],
    clients: [
      { name: 'orders', keySha256: hashOf(API_KEY), apps: ['shop'], scopes },
      { name: 'oncall', keySha256: hashOf(CONSOLE_KEY), apps: '*', scopes: ['console', 'console:act'] },
    ],
    console: {},
  };
  const file = join(directory, 'broker.yaml');
  writeFileSync(file, JSON.stringify(config)); // which is YAML too
  return start('the broker', ['dist/main.js'], { BROKER_CONFIG: file, SHOP_SECRET: APP_SECRET });
}

async function call(method: 'GET' | 'POST', url: string, signal: AbortSignal, body?: Json): Promise<Json> {
  const response = await fetch(url, {
    method,
    signal,
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  assert.ok(typeof answer === 'object' && answer !== null, `${url} answered no JSON object`);
  return { ...answer };
}

function tokenIn(answer: Json): Token {
  const { access_token, expires_in, generation, detail } = answer;
  const isToken =
    typeof access_token === 'string' && typeof expires_in === 'number' && typeof generation === 'number';
  assert.ok(isToken, `the broker gave no token: ${String(detail)}`);
  return { access_token, expires_in, generation };
}

/** What can be asked of the broker and of the platform. */
function doors(broker: string, platform: string) {
  return {
    token: async (signal: AbortSignal) => tokenIn(await call('GET', `${broker}/token`, signal)),
    report: async ({ generation }: Token, signal: AbortSignal) =>
      tokenIn(await call('POST', `${broker}/token/refresh`, signal, { generation, errcode: 40001 })),
    /** The errcode of a business call with the token; undefined when the platform accepts it. */
    errcodeOf: async ({ access_token }: Token, signal: AbortSignal) =>
      (await call('GET', `${platform}/cgi-bin/get_api_domain_ip?access_token=${access_token}`, signal))
        .errcode,
    kill: async ({ access_token }: Token, signal: AbortSignal) =>
      call('POST', `${platform}/__sim/faults`, signal, { kind: 'early_death', token: access_token }),
    fetches: async (signal: AbortSignal) => {
      const { tokens } = await call('GET', `${platform}/__sim/tokens?family=classic`, signal);
      return Array.isArray(tokens) ? tokens.length : NaN;
    },
  };
}

type Doors = ReturnType<typeof doors>;

const shortened = ({ access_token: token }: Token) => `${token.slice(0, 8)}…${token.slice(-4)}`;
const described = (token: Token) =>
  `${shortened(token)}  expires in ${token.expires_in} s  generation ${token.generation}`;

async function serveAll({ token, fetches }: Doors, signal: AbortSignal): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: CALLERS }, () => token(signal)));
  assert.equal(new Set(answers.map(shortened)).size, 1, 'they got different tokens');
  assert.equal(await fetches(signal), 1, 'the broker fetched more than once');
  return answers.slice(0, 1).map(described);
}

async function countDown({ token }: Doors, signal: AbortSignal): Promise<string[]> {
  const first = await token(signal);
  await sleep(2_000, undefined, { signal });
  const later = await token(signal);
  assert.equal(later.generation, first.generation, 'another token came');
  assert.ok(later.expires_in < first.expires_in, 'expires_in did not shrink');
  return [`expires_in ${first.expires_in}, two seconds later ${later.expires_in}`];
}

async function rotate({ token, errcodeOf }: Doors, signal: AbortSignal): Promise<string[]> {
  let old = await token(signal);
  let next = old;
  while (next.generation === old.generation) {
    old = next;
    hint(`waiting for the rotation: ${described(old)}`);
    await sleep(100, undefined, { signal });
    next = await token(signal);
  }
  for (const each of [old, next]) {
    assert.equal(await errcodeOf(each, signal), undefined, `WeChat refuses ${shortened(each)}`);
  }
  return [
    `${shortened(old)} → ${shortened(next)} while the old one had ${old.expires_in} s left`,
    `WeChat accepts both: callers that still hold the old one go on working (here for ${GRACE_SECONDS} s)`,
  ];
}

async function heal(
  { token, report, errcodeOf, kill, fetches }: Doors,
  signal: AbortSignal,
): Promise<string[]> {
  const dead = await token(signal);
  const fetched = await fetches(signal);
  await kill(dead, signal);
  assert.equal(await errcodeOf(dead, signal), 40001, 'WeChat still accepts the token');
  const answers = await Promise.all(Array.from({ length: CALLERS }, () => report(dead, signal)));
  for (const healed of answers) {
    assert.notEqual(healed.access_token, dead.access_token, 'the broker kept the dead token');
    assert.equal(await errcodeOf(healed, signal), undefined, 'WeChat refuses the new token');
  }
  assert.equal(await fetches(signal), fetched + 1, 'the reports cost more than one fetch');
  return answers
    .slice(0, 1)
    .flatMap((healed) => [
      `${shortened(dead)} is refused with 40001; POST /token/refresh gives ${shortened(healed)}, which works`,
      `${CALLERS} callers reported it at the same time: 1 fetch`,
    ]);
}

/** Runs one step and prints what it saw. Rejects, naming the step, if it fails or takes too long. */
async function step(title: string, work: (signal: AbortSignal) => Promise<string[]>): Promise<void> {
  hint(title);
  const limit = AbortSignal.timeout(STEP_LIMIT_SECONDS * 1000);
  try {
    const seen = await work(AbortSignal.any([over.signal, limit]));
    print(`${styleText('green', '✔')} ${styleText('bold', title)}`);
    for (const line of seen) print(`    ${line}`);
  } catch (cause) {
    const reason = limit.aborted ? `not within ${STEP_LIMIT_SECONDS} s` : messageOf(cause);
    throw new Error(`"${title}" did not happen: ${reason}`, { cause });
  }
}

/** The current token until Ctrl-C: a line that counts down, or without a terminal a line for each rotation. */
async function watch({ token }: Doors): Promise<never> {
  let shown = 0;
  for (;;) {
    try {
      const current = await token(over.signal);
      hint(`now: ${described(current)}`);
      if (!process.stdout.isTTY && current.generation !== shown) print(`now: ${described(current)}`);
      shown = current.generation;
    } catch (error) {
      over.signal.throwIfAborted();
      hint(messageOf(error));
    }
    await sleep(500, undefined, { signal: over.signal });
  }
}

function introduce(broker: string, platform: string): void {
  print(
    `\n${styleText('bold', 'platform')}  ${platform}  a simulated WeChat; its tokens live ${LIFE_SECONDS} s`,
  );
  print(`${styleText('bold', 'broker')}    ${broker}  refreshes them ${AHEAD_SECONDS} s ahead of expiry`);
  print(`${styleText('bold', 'console')}   ${broker}/console  opens with the key ${CONSOLE_KEY}`);
  print('Classic grant (GET /cgi-bin/token): each fetch mints a token, so old and new can be told apart.\n');
}

function inviteToTry(broker: string, platform: string): void {
  print(`
${styleText('bold', 'Your turn, in another terminal:')}
  AUTH='Authorization: Bearer ${API_KEY}'
  curl -H "$AUTH" ${broker}/token
  curl -d '{"kind":"early_death"}' ${platform}/__sim/faults    # the current token dies: callers get 40001
  curl -H "$AUTH" -X POST ${broker}/token/refresh             # report it: a new token
  curl -H "$AUTH" ${broker}/apps

A token that was fetched for a report is not replaced for another report within 30 s ("recently_rotated"): wait so long between two deaths.
Ctrl-C ends both.
`);
}

function print(text: string): void {
  hint('');
  process.stdout.write(`${text}\n`);
}

/** A line that the next one overwrites; only a terminal shows it. */
function hint(text: string): void {
  const { isTTY, columns } = process.stdout;
  if (isTTY) process.stdout.write(`\r\x1b[2K${styleText('dim', text.slice(0, columns - 1))}`);
}

function messageOf(error: unknown): string {
  const [firstLine = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return firstLine;
}

const { values: options } = parseArgs({ options: { once: { type: 'boolean' } } });
const directory = mkdtempSync(join(tmpdir(), 'broker-demo-'));
const services: ReturnType<typeof start>[] = [];

try {
  hint('starting');
  const platform = startPlatform();
  services.push(platform);
  const platformUrl = await platform.url;
  const broker = startBroker(platformUrl, directory);
  services.push(broker);
  const brokerUrl = await broker.url;

  const open = doors(brokerUrl, platformUrl);
  introduce(brokerUrl, platformUrl);
  assert.equal((await fetch(`${brokerUrl}/console`)).status, 200, 'the broker serves no console');
  await step(`${CALLERS} callers ask at once: one fetch, one token for all`, (signal) =>
    serveAll(open, signal),
  );
  await step('It counts down', (signal) => countDown(open, signal));
  await step('It is rotated ahead of expiry, and no caller notices', (signal) => rotate(open, signal));
  await step('WeChat kills it before its time; a report heals it', (signal) => heal(open, signal));
  if (!options.once) {
    inviteToTry(brokerUrl, platformUrl);
    await watch(open);
  }
} catch (error) {
  const cause: unknown = over.signal.aborted ? over.signal.reason : error;
  if (cause === INTERRUPTED) process.exitCode = options.once ? 130 : 0;
  else fail(cause);
} finally {
  hint('stopping');
  await Promise.all(services.map(({ stop }) => stop()));
  rmSync(directory, { recursive: true, force: true });
  hint('');
}

function fail(cause: unknown): void {
  process.exitCode = 1;
  print(`${styleText('red', '✘')} ${messageOf(cause)}`);
  const [, broker] = services;
  if (!broker) return;
  print("\nThe broker's last log lines:");
  for (const line of broker.log) print(`  ${line}`);
}
