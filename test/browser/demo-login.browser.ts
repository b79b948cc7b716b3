import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** Also for root, whom the sandbox refuses. */
const ARGUMENTS = ['--no-sandbox', '--disable-gpu'];
const START_LIMIT_MS = 30_000;

let demo: ChildProcess;
let shop: string;
let platform: string;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What went wrong in a page: scripts, blocked resources, failed requests. */
let complaints: string[];

beforeAll(async () => {
  demo = spawn(process.execPath, ['demo/login.ts'], { stdio: ['ignore', 'pipe', 'inherit'] });
  [{ shop, platform }, browser] = await Promise.all([
    addressesOf(demo),
    chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS }),
  ]);
});

afterAll(async () => {
  await browser.close();
  demo.kill('SIGTERM');
  const [code] = (await once(demo, 'exit')) as [number | null];
  expect(code).toBe(0);
});

beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
});
afterEach(() => context.close());

/** From the shop to WeChat's page. */
async function goToWechat(): Promise<void> {
  await page.goto(shop);
  await page.getByRole('link', { name: 'Log in with WeChat' }).click();
  expect(page.url()).toContain(`${platform}/connect/oauth2/authorize?appid=wx`);
}

async function logIn(user: string): Promise<void> {
  await goToWechat();
  await page.getByRole('textbox').fill(user);
  await page.getByRole('button', { name: 'Allow' }).click();
}

const heading = () => page.getByRole('heading').innerText();
const text = () => page.locator('body').innerText();
const openid = async () => /openid: (o[\w-]{27})/.exec(await text())?.[1];

/** How often the code in an address was sent to WeChat. */
async function timesSent(address: string): Promise<number> {
  const { codes } = (await (await fetch(`${platform}/__sim/codes`)).json()) as {
    codes: { code: string; sent: number }[];
  };
  const code = new URL(address).searchParams.get('code');
  return codes.find((one) => one.code === code)?.sent ?? Number.NaN;
}

/** The same address with another state, as somebody would have it who made one up. */
function tampered(address: string): string {
  const url = new URL(address);
  const state = url.searchParams.get('state') ?? '';
  url.searchParams.set('state', (state.startsWith('a') ? 'b' : 'a') + state.slice(1));
  return url.href;
}

/** The address at which a user who consents comes back, which the browser has not opened yet. */
async function wayBack(): Promise<string> {
  await goToWechat();
  const url = new URL(page.url());
  url.searchParams.append('__sim_user', 'ada');
  const { headers } = await fetch(url, { redirect: 'manual' });
  return headers.get('location') ?? '';
}

describe('a user who logs in to the shop of the demo', () => {
  it('sees name and openid after a consent', async () => {
    await logIn('ada');
    expect(await heading()).toBe('你好 / Hello, ada 小明😀');
    expect(await openid()).toBeDefined();
    expect(page.url()).toContain(`${shop}/callback?code=`);
    expect(await timesSent(page.url())).toBe(1);
    expect(complaints).toEqual([]);
  });

  it('sees the same again after a reload, and WeChat saw the code once', async () => {
    await logIn('bob');
    const first = await openid();
    await page.reload();
    expect(await heading()).toContain('Hello, bob');
    expect(await openid()).toBe(first);
    expect(await timesSent(page.url())).toBe(1);
    expect(complaints).toEqual([]);
  });

  it('sees after a refusal that the shop learnt nothing', async () => {
    await goToWechat();
    await page.getByRole('button', { name: 'Refuse' }).click();
    expect(await heading()).toBe('你取消了登录 / You refused');
    expect(page.url()).not.toContain('code=');
    expect(complaints).toEqual([]);
  });

  it('cannot come back with a made-up state, and the code is not spent', async () => {
    const address = await wayBack();
    await page.goto(tampered(address));
    expect(await heading()).toContain('This login is not known');
    expect(await timesSent(address)).toBe(0);
    await page.goto(address);
    expect(await heading()).toContain('Hello, ada');
  });

  it('cannot be logged in by a login that began in another browser', async () => {
    const address = await wayBack();
    const victim = await browser.newContext();
    const victimsPage = await victim.newPage();
    // Without a login of its own, and in the middle of one.
    for (const before of ['/', '/login']) {
      await victimsPage.goto(shop + before);
      await victimsPage.goto(address);
      expect(await victimsPage.getByRole('heading').innerText()).toContain('began in another browser');
    }
    await victim.close();
    expect(await timesSent(address)).toBe(0);
  });

  it('cannot use an address again with another code', async () => {
    await logIn('ada');
    const url = new URL(page.url());
    url.searchParams.set('code', 'f'.repeat(32));
    await page.goto(url.href);
    expect(await heading()).toContain('This login is over');
    expect(await timesSent(url.href)).toBeNaN();
  });

  it('is told when somebody else used the code before', async () => {
    const address = await wayBack();
    const code = new URL(address).searchParams.get('code') ?? '';
    const query = `appid=wx0123456789abcdef&secret=wrong&code=${code}&grant_type=authorization_code`;
    await fetch(`${platform}/sns/oauth2/access_token?${query}`);
    await page.goto(address);
    expect(await heading()).toContain('The code was used before');
    expect(await text()).toContain('code_used');
  });
});

/** As the demo prints them. */
async function addressesOf({ stdout }: ChildProcess): Promise<{ shop: string; platform: string }> {
  if (!stdout) throw new Error('The demo has no output');
  const found: Record<string, string> = {};
  const limit = AbortSignal.timeout(START_LIMIT_MS);
  const lines = createInterface({ input: stdout, signal: limit });
  return new Promise((resolve, reject) => {
    const printed: string[] = [];
    lines.on('line', (line) => {
      printed.push(line);
      // eslint-disable-next-line no-control-regex -- bold
      const [, name, url] = /^(?:\x1b\[1m)?(\w+)(?:\x1b\[22m)? +(http:\/\/[\d.]+:\d+)/.exec(line) ?? [];
      if (name !== undefined && url !== undefined) found[name] = url;
      const { shop: shopUrl, platform: platformUrl } = found;
      if (shopUrl !== undefined && platformUrl !== undefined) {
        resolve({ shop: shopUrl, platform: platformUrl });
      }
    });
    lines.on('close', () => {
      reject(new Error(`The demo did not start: ${printed.join('\n')}`));
    });
  });
}
