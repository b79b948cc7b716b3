import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { inFolder } from '../../test/support/config-file.js';
import { damagedConfig, shownParts } from '../../test/support/damaged-config.js';
import { check } from './check.command.js';

function outputOf(env: NodeJS.ProcessEnv): { readonly text: string; readonly code: number } {
  let text = '';
  const write = (more: string) => (text += more);
  const code = check({ env, out: write, err: write });
  return { text, code };
}

describe('check, on a configuration with a secret under every key that takes one', () => {
  it('shows no part of a secret, whatever is damaged in the file', () => {
    const codes = new Set<number>();
    fc.assert(
      fc.property(damagedConfig, ({ text, secrets }) => {
        const path = inFolder('damaged.yaml');
        writeFileSync(path, text);
        const output = outputOf({ BROKER_CONFIG: path });
        codes.add(output.code);
        expect(shownParts(output.text, secrets)).toEqual([]);
      }),
      { numRuns: 400 },
    );
    // Some are still good, most are not.
    expect(codes).toEqual(new Set([0, 1]));
  });

  it('shows none of the environment either, whatever stands in which variable', () => {
    const SECRETS = {
      appId: 'wx0123456789abcdef',
      appSecret: '7d81f4e29c06b5a37d81f4e29c06b5a3',
      apiKey: 'tbk_Zq8Lw3Xr6Vn1Kc9Tb4Hy7Mj2Pd5Gs0',
      redis: 'redis://user:Wm4Rk8Bz2Ft6Qx0Vc3@host:6379/0',
      grant: 'classic',
      port: '8080',
    };
    const secrets = [SECRETS.appSecret, SECRETS.apiKey, 'Wm4Rk8Bz2Ft6Qx0Vc3'];
    const value = fc.constantFrom(...Object.values(SECRETS), undefined);
    const frame = fc.constantFrom(['', ''], ['"', '"'], [' ', '\n'], ['\ufeff', ''], ['', '\u200b']);
    const names = ['BROKER_APP_ID', 'BROKER_APP_SECRET', 'BROKER_APP_SECRET_FILE', 'BROKER_GRANT'];
    const more = [
      'BROKER_API_KEY',
      'WECHAT_API_BASE_URL',
      'REDIS_URL',
      'PORT',
      'HOST',
      'LOG_LEVEL',
      'BROKER_CONFIG',
    ];
    const variable = fc
      .tuple(value, frame)
      .map(([text, [before, after]]) => text && `${before}${text}${after}`);
    const env = fc.record(Object.fromEntries([...names, ...more].map((name) => [name, variable])));
    fc.assert(
      fc.property(env, (variables) => {
        expect(shownParts(outputOf(variables).text, secrets)).toEqual([]);
      }),
      { numRuns: 250 },
    );
  });
});
