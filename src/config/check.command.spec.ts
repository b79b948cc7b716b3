import { check } from './check.command.js';

function run(env: NodeJS.ProcessEnv): { readonly code: number; readonly out: string; readonly err: string } {
  const text = { out: '', err: '' };
  const code = check({
    env,
    out: (more) => (text.out += more),
    err: (more) => (text.err += more),
  });
  return { code, ...text };
}

const GOOD = {
  BROKER_APP_ID: 'wx0123456789abcdef',
  BROKER_APP_SECRET: 'c0ffee0123456789c0ffee0123456789',
  BROKER_API_KEY: 'tbk_0123456789abcdefghijklmnopqrstuvwxyz',
};

describe('access-token-broker check', () => {
  it('says what a good configuration amounts to, without its secrets', () => {
    const { code, out, err } = run(GOOD);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('default (stable, wx0123456789abcdef)');
    expect(out).toContain('memory: run one replica');
    expect(out).not.toMatch(/c0ffee|tbk_/);
  });

  it('lists the faults of a bad one and fails', () => {
    const { code, out, err } = run({ ...GOOD, BROKER_GRANT: 'steady', PORT: 'eighty' });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/2 faults:\n.*PORT: [^]*BROKER_GRANT: /);
  });
});
