import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { seriousFaults, startChromium, visit, type Visit } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { startPlatform } from '../support/start-platform.js';

const MAIN = join(import.meta.dirname, '../../dist/main.js');
/** Where the pictures of the documentation are written; they are only made where this is set. */
const { CONSOLE_IMAGES } = process.env;
const [APP_ID, APP_SECRET] = ['wx4f1e8a9b3c7d2560', '0f1e2d3c4b5a69788796a5b4c3d2e1f0'];

let browser: Browser;
let folder: string;
let broker: ChildProcess;
let opened: Visit;
let link: string;
let wechatUrl: string;

beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser.close());

/** Starts the broker in the folder, without any variable that configures it. Resolves when it has printed such a text. */
async function startIn(cwd: string, expected: RegExp): Promise<RegExpExecArray> {
  const { PATH = '' } = process.env;
  broker = spawn(process.execPath, [MAIN], {
    cwd,
    env: { PATH, PORT: String(await freePort()), WECHAT_API_BASE_URL: wechatUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  broker.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  return eventually(`printed ${String(expected)}`, () => expected.exec(printed));
}

async function stop(): Promise<void> {
  const ended = once(broker, 'exit');
  broker.kill('SIGTERM');
  await ended;
}

/** A broker that has no configuration, and the browser at the link that it prints. */
async function firstRun(ipWhitelist?: readonly string[]): Promise<Page> {
  const apps = [{ appId: APP_ID, appSecret: APP_SECRET, ...(ipWhitelist && { ipWhitelist }) }];
  const platform = await startPlatform({ apps });
  wechatUrl = platform.url;
  folder = mkdtempSync(join(tmpdir(), 'first-run-'));
  [link = ''] = await startIn(folder, /http:\S+\/first-run#[\w-]{43}(?=\n)/);
  opened = await visit(browser, { locale: 'en-US', width: 1280, colorScheme: 'light' });
  await opened.page.goto(link);
  return opened.page;
}

afterEach(async () => {
  await opened.context.close();
  await stop();
  rmSync(folder, { recursive: true });
});

async function test(page: Page, appSecret: string): Promise<void> {
  await page.getByLabel('AppID').fill(APP_ID);
  await page.getByLabel('AppSecret', { exact: true }).fill(appSecret);
  await page.getByRole('button', { name: 'Test against WeChat' }).click();
  await page.locator('.outcome').waitFor();
}

it('leads from nothing to a token that is served, and into the console', async () => {
  const page = await firstRun();
  await test(page, 'f'.repeat(32));
  expect(await page.locator('.outcome').innerText()).toContain('errcode 40125');
  await test(page, APP_SECRET);
  await page.locator('.outcome-good').waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  await picture(page, 'first-run');
  await page.getByRole('button', { name: 'Write the configuration' }).click();
  await page.locator('[data-state=ok]').waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  await picture(page, 'first-run-done');
  const key = await page.locator('section pre').first().innerText();
  const { origin } = new URL(link);
  const response = await fetch(`${origin}/token?app=shop`, { headers: { authorization: `Bearer ${key}` } });
  const { access_token: token } = (await response.json()) as { access_token: string };
  const called = await fetch(`${wechatUrl}/cgi-bin/get_api_domain_ip?access_token=${token}`);
  expect(await called.json()).toHaveProperty('ip_list');
  expect(await page.content()).not.toContain(token);
  await page.getByRole('button', { name: 'Open the console' }).click();
  await page.locator('.row', { hasText: 'shop' }).waitFor();
  // Between the page's own server and the broker nobody listens.
  expect(opened.complaints.filter((one) => !one.includes('ERR_CONNECTION_REFUSED'))).toEqual([]);
  // The file is there: the next start serves, and leads nobody through a first run.
  await stop();
  const [printed] = await startIn(folder, /first-run#|is listening/);
  expect(printed).toBe('is listening');
});

it('names the address that WeChat’s whitelist lacks, in both languages', async () => {
  const page = await firstRun(['203.0.113.9']);
  await test(page, APP_SECRET);
  const outcome = page.locator('.outcome-bad');
  expect(await outcome.innerText()).toContain('errcode 40164');
  expect(await outcome.locator('pre').innerText()).toBe('127.0.0.1');
  await page.getByRole('button', { name: '中文' }).click();
  expect(await outcome.innerText()).toContain('白名单');
  expect(await seriousFaults(page)).toEqual([]);
});

it('says what is wrong with a field, in both languages', async () => {
  const page = await firstRun();
  for (const [label, value, english, chinese] of [
    [
      'AppID',
      APP_SECRET,
      'which looks like an AppSecret',
      '看起来像 AppSecret：是不是把 appId 和 appSecret 填反了？',
    ],
    ['AppSecret', APP_ID, 'and this is an AppID', '填的却是 AppID'],
    ['AppSecret', `“${APP_SECRET}”`, 'the text is in quotes', '文本带有引号，请去掉'],
  ] as const) {
    await page.getByLabel('AppID').fill(APP_ID);
    await page.getByLabel('AppSecret', { exact: true }).fill(APP_SECRET);
    await page.getByLabel(label, { exact: true }).fill(value);
    await page.getByRole('button', { name: 'Test against WeChat' }).click();
    const fault = page.locator('.failure').filter({ hasText: /./ });
    await fault.getByText(english).waitFor();
    await page.getByRole('button', { name: '中文' }).click();
    await fault.getByText(chinese).waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'English' }).click();
  }
});

it('opens for one browser only', async () => {
  const page = await firstRun();
  await page.getByLabel('AppID').waitFor();
  const other = await visit(browser, { locale: 'zh-CN', width: 360, colorScheme: 'dark' });
  await other.page.goto(link);
  await other.page.getByRole('alert').waitFor();
  expect(await other.page.getByRole('alert').innerText()).toContain('只认第一个打开它的浏览器');
  await other.context.close();
});

async function picture(page: Page, name: string): Promise<void> {
  if (CONSOLE_IMAGES === undefined) return;
  mkdirSync(CONSOLE_IMAGES, { recursive: true });
  await page.screenshot({ path: join(CONSOLE_IMAGES, `${name}.png`), fullPage: true });
}
