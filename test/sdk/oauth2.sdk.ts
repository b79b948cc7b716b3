import { OAUTH2_LIBRARIES } from './commands.js';
import { startSdkWorld } from './start-sdk-world.js';

type Library = keyof typeof OAUTH2_LIBRARIES;

const NAMES = Object.keys(OAUTH2_LIBRARIES) as Library[];
const GRACE_SECONDS = 2;

describe('an OAuth 2.0 library, as it is, whose token endpoint is the broker', () => {
  it('has no failed call while its token is rotated, and keeps each token for as long as it was told', async () => {
    const world = await startSdkWorld(OAUTH2_LIBRARIES, 'classic', {
      expiresInSeconds: 24 * GRACE_SECONDS,
      graceSeconds: GRACE_SECONDS,
    });
    await Promise.all(
      NAMES.map(async (name) => {
        const { appId, program, greeting } = world.tried(name);
        const tokens = new Set<unknown>();
        let calls = 0;
        while (world.simulator.calls(appId).minted < 3) {
          const { openid, token_requests: requests, token } = await program.ask('call');
          expect({ name, openid }).toEqual({ name, openid: 'o-1' });
          tokens.add(token);
          calls += 1;
          expect(requests).toBeLessThan(calls / 2 + 2);
        }
        expect({ name, version: greeting.version, tokens: tokens.size > 1 }).toMatchObject({ tokens: true });
      }),
    );
  });
});
