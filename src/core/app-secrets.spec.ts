import { AppSecrets } from './app-secrets.js';

const NOW_MS = 5000;
const REFUSAL = { errcode: 40125, message: 'invalid appsecret', atMs: NOW_MS };

describe('AppSecrets', () => {
  it('prefers the newest and forgets the older one once the newest has worked', () => {
    const secrets = new AppSecrets('old');
    expect(secrets.offer('old')).toBe(false);
    expect(secrets.offer('new')).toBe(true);
    expect(secrets.current).toBe('new');
    secrets.accepted('new');
    expect(secrets.rejected('new', NOW_MS, REFUSAL)).toBe(false);
    expect(secrets.current).toBe('new');
  });

  it('falls back to the one that worked, and comes back to the newest when that is refused', () => {
    const secrets = new AppSecrets('old');
    secrets.offer('new');
    expect(secrets.rejected('new', NOW_MS, REFUSAL)).toBe(true);
    expect(secrets.current).toBe('old');
    secrets.accepted('old');
    expect(secrets.rejected('old', NOW_MS, REFUSAL)).toBe(true);
    expect(secrets.current).toBe('new');
  });

  it('says so when both are refused, and goes on to try them in turn', () => {
    const secrets = new AppSecrets('old');
    secrets.offer('new');
    expect(secrets.rejected('new', NOW_MS, REFUSAL)).toBe(true);
    expect(secrets.rejected('old', NOW_MS, REFUSAL)).toBe(false);
    expect(secrets.current).toBe('new');
    expect(secrets.rejected('new', NOW_MS, REFUSAL)).toBe(false);
    expect(secrets.current).toBe('old');
  });

  it('keeps the one that worked when two newer ones come in a row', () => {
    const secrets = new AppSecrets('old');
    secrets.offer('mistyped');
    secrets.rejected('mistyped', NOW_MS, REFUSAL);
    secrets.offer('new');
    secrets.rejected('new', NOW_MS, REFUSAL);
    expect(secrets.current).toBe('old');
  });

  it('falls back to the one that worked also when the file was read half written in between', () => {
    const secrets = new AppSecrets('old');
    secrets.accepted('old');
    secrets.offer('half');
    secrets.offer('new');
    secrets.rejected('new', NOW_MS, REFUSAL);
    expect(secrets.current).toBe('old');
  });

  it('says what the newest was refused with for as long as an older one is used in its place', () => {
    const secrets = new AppSecrets('old');
    secrets.offer('mistyped');
    secrets.rejected('mistyped', NOW_MS, REFUSAL);
    secrets.accepted('old');
    expect(secrets.refused).toEqual(REFUSAL);
    secrets.offer('new');
    expect(secrets.refused).toBeNull();
    secrets.accepted('new');
    secrets.rejected('new', NOW_MS, REFUSAL);
    expect(secrets.refused).toBeNull();
  });

  it('has none until one is offered, if there was none at the start', () => {
    const secrets = new AppSecrets({ fault: '/run/secrets/shop is empty' });
    expect([secrets.current, secrets.missing]).toEqual([null, '/run/secrets/shop is empty']);
    expect(secrets.offer('new')).toBe(true);
    expect([secrets.current, secrets.missing]).toEqual(['new', null]);
    expect(secrets.rejected('new', NOW_MS, REFUSAL)).toBe(false);
  });

  it('tries the newest again when the older one is refused, however early the newest was', () => {
    const secrets = new AppSecrets('old');
    secrets.offer('new');
    secrets.rejected('new', NOW_MS, REFUSAL);
    expect(secrets.rejected('old', NOW_MS + 7_000_000, REFUSAL)).toBe(true);
    expect(secrets.current).toBe('new');
    expect(secrets.rejected('new', NOW_MS + 7_001_000, REFUSAL)).toBe(false);
  });
});
