import { appNamed, SHOP } from '../../../test/support/app-identity.js';
import { KeyUse } from './token-cipher.js';

const BLOG = appNamed('blog');
const MAIL = appNamed('mail');
const MINUTE_MS = 60_000;

function keyUse(keyIds: readonly string[]) {
  const told: string[] = [];
  let apps = [SHOP, BLOG];
  const use = new KeyUse(
    keyIds,
    () => apps,
    (unused) => told.push(unused.join(' ')),
  );
  const configure = (...now: (typeof SHOP)[]): void => {
    apps = now;
  };
  return { use, told, configure };
}

describe('the use of encryption keys', () => {
  it('says once that the old ones are not needed, when every app was seen without them for a minute', () => {
    const { use, told } = keyUse(['k3', 'k2', 'k1']);
    use.note(SHOP, 'k3', 0);
    use.note(SHOP, 'k3', 5 * MINUTE_MS);
    expect(told).toEqual([]);
    use.note(BLOG, 'k3', 5 * MINUTE_MS);
    use.note(SHOP, 'k3', 6 * MINUTE_MS - 1);
    expect(told).toEqual([]);
    use.note(SHOP, 'k3', 6 * MINUTE_MS);
    use.note(BLOG, 'k3', 9 * MINUTE_MS);
    expect(told).toEqual(['k2 k1']);
  });

  it('waits for a minute again after a replica sealed with an old one', () => {
    const { use, told } = keyUse(['k2', 'k1']);
    use.note(SHOP, 'k2', 0);
    use.note(BLOG, 'k2', 0);
    use.note(SHOP, 'k1', MINUTE_MS - 1);
    use.note(SHOP, 'k2', MINUTE_MS);
    expect(told).toEqual([]);
    use.note(BLOG, 'k2', 2 * MINUTE_MS);
    expect(told).toEqual(['k1']);
  });

  it('waits for an app that is added, and for none that is gone', () => {
    const { use, told, configure } = keyUse(['k2', 'k1']);
    use.note(SHOP, 'k2', 0);
    configure(SHOP, MAIL);
    use.note(SHOP, 'k2', MINUTE_MS);
    use.note(SHOP, 'k2', 2 * MINUTE_MS);
    expect(told).toEqual([]);
    use.note(MAIL, 'k2', 3 * MINUTE_MS);
    use.note(SHOP, 'k2', 4 * MINUTE_MS);
    expect(told).toEqual(['k1']);
    configure(SHOP, BLOG);
    use.note(SHOP, 'k2', 6 * MINUTE_MS);
    use.note(SHOP, 'k2', 8 * MINUTE_MS);
    use.note(BLOG, 'k2', 9 * MINUTE_MS);
    expect(told).toEqual(['k1']);
    use.note(BLOG, 'k2', 10 * MINUTE_MS);
    expect(told).toEqual(['k1', 'k1']);
  });

  it('says nothing where there is one key', () => {
    const { use, told } = keyUse(['k1']);
    use.note(SHOP, 'k1', 0);
    use.note(BLOG, 'k1', 5 * MINUTE_MS);
    expect(told).toEqual([]);
  });
});
