/** `npm run bench:fairness -- [--seconds 2] [--rounds 5]`: how long others wait while one client is at its rate, or far beyond. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  canPin,
  canYield,
  LOAD_CORE,
  Measured,
  median,
  pinned,
  SERVER_CORE,
  start,
  WARM_UP_SECONDS,
  type Round,
} from './measured.ts';
import { NPM_START } from './npm-start.ts';

const PATH = '/token?app=shop';
/** As the broker has it without a configuration. */
const RATE = 5000;
const OTHERS = { connections: 32, perSecond: 800 };
/** What a client that was quiet may have at once: little, so that it is over by the time that is measured. By default it is 2 s of its rate. */
const BURST = RATE / 10;
const BURST_SECONDS = 1;

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '2' }, rounds: { type: 'string', default: '5' } },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
assert.ok(seconds > 0 && rounds >= 1, '--seconds and --rounds must be numbers above 0');

const folder = mkdtempSync(join(tmpdir(), 'bench-fairness-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});

const newKey = () => `tbk_${randomBytes(32).toString('base64url')}`;
const keys = { others: newKey(), busy: newKey() };
const app = { appId: 'wx5131a70b6f1e9a2d', appSecret: randomBytes(16).toString('hex') };
const onLoadCore = pinned(LOAD_CORE, [process.execPath]);
const platform = await start('simulator', [
  ...onLoadCore,
  ...['dist/cli.js', 'simulate', '--port', '0', '--app-id', app.appId, '--app-secret', app.appSecret],
]);
const file = join(folder, 'broker.json');
writeFileSync(
  file,
  JSON.stringify({
    apps: [{ name: 'shop', ...app, apiBaseUrl: platform.url }],
    rate: { requestsPerSecond: RATE, burst: BURST },
    clients: Object.entries(keys).map(([name, key]) => ({
      name,
      keySha256: [createHash('sha256').update(key).digest('hex')],
      apps: '*',
      scopes: ['token:read'],
    })),
  }),
);
const broker = await start('broker', [...pinned(SERVER_CORE, [process.execPath]), ...NPM_START], {
  BROKER_CONFIG: file,
  HOST: '127.0.0.1',
  PORT: '0',
});

const others = new Measured(broker, {
  path: PATH,
  apiKey: keys.others,
  connections: OTHERS.connections,
  everyMs: (OTHERS.connections / OTHERS.perSecond) * 1000,
});
const load = (apiKey: string, connections: number, everyMs = 0) =>
  new Measured(broker, { path: PATH, apiKey, connections, everyMs, yields: true });
const SCENES: readonly { readonly what: string; readonly load?: () => Measured }[] = [
  { what: 'nobody else' },
  { what: `a client at its ${RATE} a second`, load: () => load(keys.busy, 64, (64 / RATE) * 1000) },
  { what: 'one on 64 connections without a pause', load: () => load(keys.busy, 64) },
  { what: 'one on 500 connections without a pause', load: () => load(keys.busy, 500) },
  { what: 'wrong keys on 64 connections', load: () => load(newKey(), 64) },
];

const loads: (Measured | undefined)[] = [];
const results = SCENES.map(({ what }) => ({ what, seen: [] as Round[], beside: [] as (Round | null)[] }));

async function play(forSeconds: number): Promise<void> {
  for (const [at, { load }] of SCENES.entries()) {
    // Not before: a connection that sends nothing at first is closed.
    const beside = (loads[at] ??= load?.());
    const besideEnds = beside?.slice(forSeconds + BURST_SECONDS);
    if (beside) await sleep(BURST_SECONDS * 1000);
    others.takeRound();
    await Promise.all([others.slice(forSeconds), besideEnds]);
    results[at]?.seen.push(others.takeRound());
    results[at]?.beside.push(beside?.takeRound() ?? null);
  }
}

console.log(
  `GET ${PATH}: others make ${OTHERS.perSecond} requests a second; ${rounds} rounds of ${seconds} s, Node ${process.version}`,
);
console.log(
  canPin
    ? `The broker has core ${SERVER_CORE}, all loads share core ${LOAD_CORE}, ${canYield ? 'where the others go first' : 'and wait there for each other as well: chrt is missing'}\n`
    : 'Without taskset: broker and loads share the cores\n',
);
try {
  await play(WARM_UP_SECONDS / 2);
  for (const { seen, beside } of results) seen.length = beside.length = 0;
  for (let round = 0; round < rounds; round += 1) await play(seconds);

  const quiet = results[0]?.seen ?? [];
  const rows = results.map(({ what, seen, beside }) => {
    const ratios = seen.map(({ p99Ms }, round) => p99Ms / (quiet[round]?.p99Ms ?? NaN));
    const ofBeside = (field: keyof Round) => median(beside.map((round) => round?.[field] ?? 0));
    return [
      what,
      `${median(seen.map(({ p50Ms }) => p50Ms)).toFixed(2)} ms`,
      `${median(seen.map(({ p99Ms }) => p99Ms)).toFixed(2)} ms`,
      median(ratios).toFixed(2),
      `${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)}`,
      ofBeside('requestsPerSecond').toFixed(0),
      ofBeside('refusedPerSecond').toFixed(0),
      `${(median(seen.map(({ serverCpuShare }) => serverCpuShare)) * 100).toFixed(0)} %`,
      `${(median(seen.map(({ loadCpuShare }, round) => loadCpuShare + (beside[round]?.loadCpuShare ?? 0))) * 100).toFixed(0)} %`,
    ];
  });
  const head = [
    'beside the others',
    'p50',
    'p99',
    'ratio',
    'of rounds',
    'asks/s',
    'refused/s',
    'broker',
    'loads',
  ];
  for (const row of [head, ...rows])
    console.log(row.map((cell, at) => (at === 0 ? cell.padEnd(42) : cell.padStart(11))).join(''));
  console.log(
    '\nratio: p99 of the others over their p99 with nobody else, in the same round; goal: at most 2.',
  );
} finally {
  others.stop();
  for (const beside of loads) beside?.stop();
  await broker.stop();
  await platform.stop();
}
