/**
 * `npm run bench:console -- [--apps 10000] [--seconds 20]`: what a replica takes of a core while somebody looks at the console, and
 * how soon the page is painted by a Chromium that has nothing of it yet.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startChromium } from '../test/support/chromium.ts';
import { cpuSeconds, median } from './measured.ts';
import { ScalePlatform } from './scale-platform.ts';
import { ScaleWorld, type Replica } from './scale-world.ts';

const LIFE_SECONDS = 7200;
const SETTLE_MS = 10_000;
const PAINTINGS = 9;
const FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime";
/** How much more a page that is looked at may take, and how long it may stay white. */
const GOALS = { share: 0.02, paintMs: 500 };

const { values } = parseArgs({
  options: {
    apps: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '20' },
  },
});
const [apps, seconds] = [values.apps, values.seconds].map(Number);
assert.ok(apps && seconds, '--apps and --seconds must be numbers above 0');

const folder = mkdtempSync(join(tmpdir(), 'bench-console-'));
process.once('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});

async function shareOfCore({ pid }: Replica, forSeconds: number): Promise<number> {
  const before = cpuSeconds(pid);
  await sleep(forSeconds * 1000);
  return (cpuSeconds(pid) - before) / forSeconds;
}

/** Looks on as the page does: all rows once, then the stream. Returns what ends it, and how many events came. */
async function lookOn(world: ScaleWorld, replica: Replica) {
  const ended = new AbortController();
  const headers = { authorization: `Bearer ${world.key}` };
  const { body } = await fetch(`${replica.url}/console/api/stream`, { headers, signal: ended.signal });
  let events = 0;
  const read = (async () => {
    for await (const bytes of (body ?? []) as AsyncIterable<Uint8Array>) {
      events += new TextDecoder().decode(bytes).split('event: ').length - 1;
    }
  })().catch(() => undefined);
  let after = '';
  do {
    const page = await world.get(replica, `/console/api/apps?limit=1000${after}`);
    const { next } = JSON.parse(page) as { next: string | null };
    after = next === null ? '' : `&after=${next}`;
  } while (after !== '');
  return async () => {
    ended.abort();
    await read;
    return events;
  };
}

/** In milliseconds from the address on, each in a browser's window of its own. */
async function firstPaints({ url }: Replica): Promise<number[]> {
  const browser = await startChromium();
  const times: number[] = [];
  for (let at = 0; at < PAINTINGS; at += 1) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${url}/console`);
    await page.locator('#key').waitFor();
    times.push(await page.evaluate<number>(FIRST_PAINT));
    await context.close();
  }
  await browser.close();
  return times;
}

const platform = new ScalePlatform(LIFE_SECONDS);
const world = await ScaleWorld.start(apps, {
  grant: 'stable',
  folder,
  platformUrl: await platform.listen(),
  hasConsole: true,
});
await world.fill(platform);
const replica = await world.startReplica();
await platform.quiet(SETTLE_MS);
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const idle = await shareOfCore(replica, seconds);
const end = await lookOn(world, replica);
await sleep(SETTLE_MS);
const watched = await shareOfCore(replica, seconds);
const events = await end();
console.log(
  `${apps} apps, of a core: ${percent(idle)} while nobody looks, ${percent(watched)} while somebody does (goal: ${percent(GOALS.share)} more at most); ${events} events`,
);
const paints = await firstPaints(replica);
console.log(
  `first paint, cold cache, of ${PAINTINGS}: ${median(paints).toFixed(0)} ms, at most ${Math.max(...paints).toFixed(0)} (goal: under ${GOALS.paintMs} ms)`,
);
await world.stop();
platform.close();
process.exit(0);
