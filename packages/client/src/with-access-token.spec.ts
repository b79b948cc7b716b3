import { FakeTokenClient } from '../../../test/support/fake-token-client.js';
import { accessToken, withAccessToken } from './with-access-token.js';
import type { TokenClient } from './token-client.js';

const fake = new FakeTokenClient();

/** Answers well to `token-2` only. */
const platform = async (token: string, text: string) => ({
  errcode: token === 'token-2' ? 0 : 40001,
  text: `${text} with ${token}`,
});

class Mailer {
  readonly tokenClient: TokenClient;
  private readonly other: TokenClient;

  constructor(client: TokenClient) {
    this.tokenClient = client;
    this.other = client;
  }

  @withAccessToken()
  async send(text: string, token = accessToken()) {
    return platform(token, text);
  }

  @withAccessToken(fake.asClient)
  async sendByClient(text: string) {
    const token = accessToken();
    await Promise.resolve();
    return platform(token, text);
  }

  @withAccessToken((self: Mailer) => self.other)
  async sendByFunction(text: string, count = 1, token = accessToken()) {
    return platform(token, `${text} ${count}`);
  }

  @withAccessToken()
  async sendTwice(text: string, token = accessToken()) {
    const inner = await this.send(`inner ${text}`);
    return platform(token, `${inner.text}, ${text}`);
  }

  @withAccessToken()
  async sendLate(): Promise<unknown> {
    await Promise.resolve();
    return platform(accessToken(), 'late');
  }

  @withAccessToken()
  async fail(): Promise<void> {
    throw new Error(`failed with ${accessToken()}`);
  }
}

/** As the legacy decorators of TypeScript are called; the standard ones are tested where the package is. */
describe('@withAccessToken()', () => {
  let mailer: Mailer;
  beforeEach(() => {
    fake.reports.length = 0;
    mailer = new Mailer(fake.asClient);
  });

  it('hands the token over, and heals', async () => {
    expect(await mailer.send('hello')).toEqual({ errcode: 0, text: 'hello with token-2' });
    expect(fake.reports).toEqual(['token-1']);
  });

  it('takes its client from where it is told to', async () => {
    expect((await mailer.sendByClient('a')).text).toBe('a with token-2');
    expect((await mailer.sendByFunction('b')).text).toBe('b 1 with token-2');
    expect((await mailer.sendByFunction('b', 2)).text).toBe('b 2 with token-2');
  });

  it('keeps calls apart that run at the same time or inside each other', async () => {
    const answers = await Promise.all([mailer.send('a'), mailer.sendTwice('b'), mailer.send('c')]);
    expect(answers.map(({ errcode }) => errcode)).not.toContain(40001);
    expect(answers[1].text).toMatch(/^inner b with token-\d, b with token-\d$/);
  });

  it('leaves a token alone that the caller gave', async () => {
    fake.reports.push('one');
    expect((await mailer.send('hello', 'mine')).text).toBe('hello with mine');
  });

  it('passes errors on, and forgets the token', async () => {
    await expect(mailer.fail()).rejects.toThrow('failed with token-1');
    expect(() => accessToken()).toThrow('before its first await');
  });

  it('says what is wrong when the token is asked for too late, or there is no client', async () => {
    await expect(mailer.sendLate()).rejects.toThrow('before its first await');
    const lost = Object.assign(Object.create(Mailer.prototype) as Mailer, {});
    await expect(lost.send('hello')).rejects.toThrow('found no client');
  });
});
