import { About, Check, OneOf, Optional, Section, SectionList, SecretText, Text, Url } from './keys.js';
import { readSection, secretTexts } from './read-section.js';
import { Secret } from './secret.js';
import { passwordForm } from './secret-text.js';

abstract class PetSection {
  @About('what it is called')
  @Text(/^[a-z]+$/, 'a name')
  readonly name!: string;

  @Optional()
  abstract readonly kind: string;
}

class BowlSection {
  @OneOf(['red', 'blue'])
  readonly colour: string = 'red';

  @Optional()
  @SecretText(passwordForm)
  readonly pin?: Secret;
}

class CatSection extends PetSection {
  readonly kind = 'cat';

  @Section(() => BowlSection)
  readonly bowl: BowlSection = new BowlSection();
}

class FishSection extends PetSection {
  readonly kind = 'fish';

  @Url('an https URL, such as https://pond.example', { protocols: /^https:$/ })
  readonly water!: string;

  @SecretText(passwordForm)
  readonly key!: Secret;

  /** Under another name for those who know pets only. */
  get address(): string {
    return this.water;
  }
}

class ZooSection {
  @SectionList(() => PetSection, 'must list a pet', {
    kinds: () => ({
      key: 'kind',
      classes: new Map<string, new () => PetSection>([
        ['cat', CatSection],
        ['fish', FishSection],
      ]),
      fallback: 'cat',
    }),
  })
  readonly pets: readonly PetSection[] = [];

  @Optional()
  @Check((value) => (value === 1 ? undefined : 'must be 1'))
  readonly one?: number;
}

const secrets: [path: string, text: string][] = [];
const zoo = (...pets: unknown[]) => {
  secrets.length = 0;
  const { section, faults } = readSection(ZooSection, { pets }, (source, _, path) => {
    secrets.push([path, String(source)]);
    return Secret.of(String(source));
  });
  return { pets: section.pets, faults: faults.map(({ path, text }) => `${path}: ${text}`) };
};

describe('a list of several kinds of sections', () => {
  it('makes an instance of the class that the key names, or of the usual one, with its defaults', () => {
    const { pets, faults } = zoo(
      { name: 'tom' },
      { kind: 'fish', name: 'wanda', water: 'https://pond/', key: 'k' },
    );
    expect(faults).toEqual([]);
    expect(pets).toEqual([expect.any(CatSection), expect.any(FishSection)]);
    expect(pets).toMatchObject([
      { bowl: { colour: 'red' } },
      { water: 'https://pond', address: 'https://pond' },
    ]);
  });

  it('names the kinds that there are where one is unknown, and says nothing of the keys that only a kind has', () => {
    expect(zoo({ kind: 'cow', name: 'BELLA', milk: 1 }).faults).toEqual([
      'pets[0].kind: must be one of cat, fish, got "cow"',
      'pets[0].name: must be a name, got "BELLA"',
    ]);
    expect(zoo({ kind: null, name: 'bella' }).faults).toEqual([
      'pets[0].kind: must be one of cat, fish, got nothing',
    ]);
  });

  it('knows the keys of the own kind only, with the usual hint; what the class computes is no key', () => {
    expect(zoo({ name: 'tom', water: 'https://pond' }, { name: 'kitty', bowll: {} }).faults).toEqual([
      'pets[0].water: is not a known key; known are name, kind, bowl',
      'pets[1].bowll: is not a known key; did you mean bowl?',
    ]);
    expect(
      zoo({ kind: 'fish', name: 'wanda', water: 'https://pond', key: 'k', address: 'x' }).faults,
    ).toEqual(['pets[0].address: is not a known key; known are name, kind, water, key']);
  });

  it('finds faults and secrets in sections of sections', () => {
    expect(zoo({ name: 'tom', bowl: { colour: 'pink', pin: '1234' } }).faults).toEqual([
      'pets[0].bowl.colour: must be one of red, blue, got "pink"',
    ]);
    expect(secrets).toEqual([['pets[0].bowl.pin', '1234']]);
    expect(zoo({ name: 'tom', bowl: [] }).faults).toEqual([
      'pets[0].bowl: must be a mapping (key: value), got an empty list',
    ]);
  });

  it('collects the texts under the names of secrets of every kind', () => {
    const tree = { pets: [{ kind: 'cow', pin: 'a' }, { key: ['b', { env: 'NAME', text: 'c' }] }] };
    expect(secretTexts(tree, ZooSection)).toEqual(['a', 'b', 'c']);
  });
});

describe('a URL', () => {
  it('may be plain HTTP only at a host that can be none but a simulator, where HTTPS is asked for', () => {
    const faultsAt = (water: string) => zoo({ kind: 'fish', name: 'wanda', key: 'k', water }).faults;
    expect(faultsAt('http://127.0.0.1:9100')).toEqual([]);
    expect(faultsAt('http://pond.example')).toEqual([
      'pets[0].water: must be an https URL, such as https://pond.example',
    ]);
    expect(faultsAt('https://user:pass@pond.example')).toEqual([
      'pets[0].water: must be a URL without user, password, query and fragment',
    ]);
  });
});
