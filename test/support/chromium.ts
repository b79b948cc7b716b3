import axe, { type AxeResults } from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** Also for root, whom the sandbox refuses. */
const ARGUMENTS = ['--no-sandbox', '--disable-gpu'];

export interface VisitOptions {
  readonly width?: number;
  readonly locale?: 'en-US' | 'zh-CN';
  readonly colorScheme?: 'light' | 'dark';
}

/** A window of a browser of its own, with what it complained of and what it was sent. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What went wrong in the page: scripts, blocked resources, failed requests. */
  readonly complaints: string[];
  /** All texts that the servers answered so far, but those of streams that are still open. */
  answers(): Promise<string[]>;
}

/** Resolves with Debian's Chromium, which the test file has to close. */
export const startChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });

export async function visit(
  browser: Browser,
  { width = 1280, locale = 'en-US', colorScheme = 'light' }: VisitOptions = {},
): Promise<Visit> {
  const height = width < 500 ? 760 : 860;
  const context = await browser.newContext({ viewport: { width, height }, locale, colorScheme });
  const page = await context.newPage();
  const complaints: string[] = [];
  const answers: Promise<string>[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('response', (response) => {
    const isStream = response.headers()['content-type'] === 'text/event-stream';
    if (!isStream) answers.push(response.text().catch(() => ''));
  });
  return { page, context, complaints, answers: () => Promise.all(answers) };
}

/** Resolves once all that appears has appeared. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate('Promise.allSettled(document.getAnimations().map(({ finished }) => finished))');
}

/** What axe finds that is serious or critical, as `rule: element`. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await settled(page);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>("axe.run({ resultTypes: ['violations'] })");
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}
