import type { HttpReply } from '../http-reply.js';
import type { HttpCall } from '../read-call.js';
import type { Answer } from '../world.js';

/** What the simulator adds to the platform's own parameters: who sits there, what they say, and whether they see a snapshot. */
const USER = '__sim_user';
const ANSWER = '__sim_answer';
const SNAPSHOT = '__sim_snapshot';
const OWN_PARAMETERS: readonly string[] = [USER, ANSWER, SNAPSHOT];

/** Whoever opened the page. */
export interface Visitor {
  /** Undefined while nobody has said. */
  readonly user: string | undefined;
  /** Undefined while the page waits for a click. */
  readonly answer: 'consent' | 'refuse' | undefined;
  readonly snapshot: boolean;
  /** The parameters that the platform knows of, in the order in which they came. */
  readonly parameters: URLSearchParams;
}

/** A name alone is a consent: `?__sim_user=` or the header `X-Sim-User`, with `__sim_answer` or `X-Sim-Answer` for a refusal. */
export function visitorOf({ query, headers }: HttpCall): Visitor {
  const own = (parameter: string, header: string) => query.get(parameter) ?? first(headers[header]);
  const user = own(USER, 'x-sim-user');
  const answer = own(ANSWER, 'x-sim-answer') ?? (user === undefined ? undefined : 'consent');
  return {
    user: user === '' ? undefined : user,
    answer: answer === 'consent' || answer === 'refuse' ? answer : undefined,
    snapshot: query.get(SNAPSHOT) === '1',
    parameters: new URLSearchParams([...query].filter(([name]) => !OWN_PARAMETERS.includes(name))),
  };
}

/** The platform shows a page with an error instead of the question. */
export class PageError extends Error {
  override readonly name = 'PageError';

  /** @param code null where the page names none */
  constructor(
    readonly code: number | null,
    readonly chinese: string,
    readonly english: string,
  ) {
    super(`page error ${String(code)}`);
  }
}

/** @param wishes what the app asks for, in both languages */
export function consentPage(title: string, appId: string, wishes: string, visitor: Visitor): Answer {
  const hidden = [...visitor.parameters].map(([name, value]) => hiddenInput(name, value));
  if (visitor.snapshot) hidden.push(hiddenInput(SNAPSHOT, '1'));
  const reply = page(
    title,
    `<p>${escaped(appId)} 申请 / asks for:</p>
<p><strong>${escaped(wishes)}</strong></p>
<form method="get">
${hidden.join('\n')}
<label>用户 / user <input name="${USER}" value="${escaped(visitor.user ?? 'ada')}" autocomplete="off"></label>
<p><button name="${ANSWER}" value="consent" class="yes">同意 / Allow</button>
<button name="${ANSWER}" value="refuse">拒绝 / Refuse</button></p>
</form>`,
  );
  return { reply, outcome: 'ok' };
}

export function errorPage({ code, chinese, english }: PageError): Answer {
  const number = code === null ? '' : `<p>错误码 / code: <strong>${String(code)}</strong></p>`;
  const reply = page(chinese, `<p>${escaped(english)}</p>\n${number}`);
  return { reply, outcome: code === null ? 'page_error' : String(code) };
}

/** The browser's window is closed, and the app never hears of it. */
export function closedPage(): Answer {
  return { reply: page('页面已关闭', '<p>The user closed the page.</p>'), outcome: 'closed' };
}

export function redirect(
  target: string,
  parameters: Readonly<Record<string, string | null>>,
  outcome: string,
): Answer {
  const added = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null) added.set(name, value);
  }
  const query = added.toString();
  const [address = '', ...fragment] = target.split('#');
  const joint = query === '' ? '' : address.includes('?') ? '&' : '?';
  const location = [address + joint + query, ...fragment].join('#');
  const headers = { Location: location, 'Cache-Control': 'no-store' };
  return { reply: { status: 302, contentType: 'text/html; charset=utf-8', text: '', headers }, outcome };
}

function page(title: string, content: string): HttpReply {
  const text = `<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 4rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.25rem; }
small { color: #666; }
input { font: inherit; width: 8rem; }
button { font: inherit; padding: 0.5rem 1.25rem; border: 1px solid #bbb; border-radius: 4px; background: #fff; }
button.yes { background: #07843f; border-color: #07843f; color: #fff; }
</style>
<h1>${escaped(title)}</h1>
${content}
<p><small>模拟页面 / a page of the simulator</small></p>
</html>
`;
  const headers = {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
  };
  return { status: 200, contentType: 'text/html; charset=utf-8', text, headers };
}

function hiddenInput(name: string, value: string): string {
  return `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`);
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
