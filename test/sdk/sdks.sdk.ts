import { setTimeout as sleep } from 'node:timers/promises';
import { ONE_HOST_SDKS, SDKS } from './commands.js';
import { startSdkWorld, type SdkWorld } from './start-sdk-world.js';

const ALL = { ...SDKS, ...ONE_HOST_SDKS };

type Sdk = keyof typeof ALL;

const NAMES = Object.keys(ALL) as Sdk[];
const ONE_HOST_NAMES = Object.keys(ONE_HOST_SDKS) as Sdk[];
const PAUSE_MS = 50;
/** A 24th of the life, as with WeChat; more than the seconds that SDKs lose by rounding. */
const GRACE_SECONDS = 2;

const table = new Map(
  NAMES.map((name) => [
    name,
    { SDK: name, version: '', fetched: false, rotation: false, 'killed token': false },
  ]),
);

afterAll(() => {
  console.table([...table.values()]);
});

function rowOf(name: Sdk) {
  const row = table.get(name);
  if (!row) throw new Error(`no row for ${name}`);
  return row;
}

describe('an SDK, as it is, configured as docs/adopting.md says', () => {
  let world: SdkWorld<Sdk>;

  beforeAll(async () => {
    world = await startSdkWorld(ALL, 'stable');
  });

  it.each(NAMES)('%s calls WeChat with the token of the broker', async (name) => {
    const { app, appId, program, greeting } = world.tried(name);
    expect(await program.ask('call')).toEqual({ openid: 'o-1' });
    expect(world.simulator.tokens({ appId }).map(({ token }) => token)).toEqual([
      await world.broker.token(app),
    ]);
    Object.assign(rowOf(name), { version: greeting.version, fetched: true });
  });

  it.each(ONE_HOST_NAMES)('%s posts JSON, uploads and downloads, with a virtual token', async (name) => {
    const { appId, program } = world.tried(name);
    expect(await program.ask('media')).toEqual({ same: true });
    const wellDone = new Set(
      world.simulator.calls(appId).counts.flatMap(({ path, outcomes }) => (outcomes.ok ? [path] : [])),
    );
    for (const path of ['message/custom/send', 'media/upload', 'media/get']) {
      expect(wellDone).toContain(`/cgi-bin/${path}`);
    }
  });

  it.concurrent.each(NAMES)('%s goes on each time that its token is killed', async (name) => {
    const { app, appId, program } = world.tried(name);
    for (const deaths of [1, 2, 3]) {
      const { fetches } = world.simulator.calls(appId);
      const [dead] = world.simulator.killToken({ appId });
      expect(await program.ask('call')).toEqual({ openid: 'o-1' });
      expect(await program.ask('call')).toEqual({ openid: 'o-1' });
      expect(world.simulator.calls(appId).fetches).toBe(fetches + 1);
      expect(await world.broker.token(app)).not.toBe(dead?.token);
      // A token that a report led to is kept for 30 s.
      if (deaths < 3) await sleep(31_000);
    }
    rowOf(name)['killed token'] = true;
  });
});

describe('an SDK that goes on calling while its token is rotated', () => {
  let world: SdkWorld<Sdk>;

  beforeAll(async () => {
    world = await startSdkWorld(ALL, 'classic', {
      expiresInSeconds: 24 * GRACE_SECONDS,
      graceSeconds: GRACE_SECONDS,
    });
  });

  /** Answers of WeChat that a token is dead. */
  function refusals(appId: string): number {
    const outcomes = world.simulator.calls(appId).counts.map((count) => count.outcomes['40001'] ?? 0);
    return outcomes.reduce((sum, count) => sum + count, 0);
  }

  it.concurrent.each(NAMES)('%s has no failed call', async (name) => {
    const { appId, program } = world.tried(name);
    while (world.simulator.calls(appId).minted < 2) {
      expect(await program.ask('call')).toEqual({ openid: 'o-1' });
      await sleep(PAUSE_MS);
    }
    // Beyond the overlap.
    await sleep(2 * GRACE_SECONDS * 1000);
    expect(await program.ask('call')).toEqual({ openid: 'o-1' });
    // `cache_max_age` is made for tokens that live longer than a few seconds; `expires_in` of the drop-in endpoints fits all.
    if (name !== 'silenceper') expect(refusals(appId)).toBe(0);
    rowOf(name).rotation = true;
  });
});
