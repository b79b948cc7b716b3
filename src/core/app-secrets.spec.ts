import { AppSecrets } from './app-secrets.js';

const NOW_MS = 5000;

describe('AppSecrets', () => {
  it('prefers the newest and forgets the older one once the newest has worked', () => {
    const secrets = new AppSecrets('old');
    expect(secrets.offer('old')).toBe(false);
    expect(secrets.offer('new')).toBe(true);
    expect(secrets.current).toBe('new');
    secrets.accepted('new');
    expect(secrets.rejected('new', NOW_MS)).toBe(false);
    expect(secrets.current).toBe('new');
  });

  it('falls back to the one that worked, and comes back to the newest when that is refused', () => {
    const secrets = new AppSecrets('old');
    secrets.offer('new');
    expect(secrets.rejected('new', NOW_MS)).toBe(true);
    expect(secrets.current).toBe('old');
    secrets.accepted('old');
    expect(secrets.rejected('old', NOW_MS)).toBe(true);
    expect(secrets.current).toBe('new');
  });

  it('says so when both are refused, and goes on to try them in turn', () => {
    const secrets = new AppSecrets('old');
    secrets.offer('new');
    expect(secrets.rejected('new', NOW_MS)).toBe(true);
    expect(secrets.rejected('old', NOW_MS)).toBe(false);
    expect(secrets.current).toBe('new');
    expect(secrets.rejected('new', NOW_MS)).toBe(false);
    expect(secrets.current).toBe('old');
  });

  it('keeps the one that worked when two newer ones come in a row', () => {
    const secrets = new AppSecrets('old');
    secrets.offer('mistyped');
    secrets.rejected('mistyped', NOW_MS);
    secrets.offer('new');
    secrets.rejected('new', NOW_MS);
    expect(secrets.current).toBe('old');
  });

  it('falls back to the one that worked also when the file was read half written in between', () => {
    const secrets = new AppSecrets('old');
    secrets.accepted('old');
    secrets.offer('half');
    secrets.offer('new');
    secrets.rejected('new', NOW_MS);
    expect(secrets.current).toBe('old');
  });

  it('tries the newest again when the older one is refused, however early the newest was', () => {
    const secrets = new AppSecrets('old');
    secrets.offer('new');
    secrets.rejected('new', NOW_MS);
    expect(secrets.rejected('old', NOW_MS + 7_000_000)).toBe(true);
    expect(secrets.current).toBe('new');
    expect(secrets.rejected('new', NOW_MS + 7_001_000)).toBe(false);
  });
});
