/**
 * A web shop whose users log in with WeChat, as any service would write it against the broker: it knows neither the AppSecret
 * nor a user's token, and keeps one cookie while a login is under way.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

export interface ShopOptions {
  readonly brokerUrl: string;
  readonly apiKey: string;
  readonly app: string;
}

type Json = Readonly<Record<string, unknown>>;

interface Page {
  readonly title: string;
  readonly lines: readonly string[];
  readonly status?: number;
}

export const CALLBACK_PATH = '/callback';
const COOKIE = 'login_binding';

/** What a user is told, by the code of the broker's error; in the end all but one come to the same: log in again. */
const FAILURES: Readonly<Record<string, Pick<Page, 'title' | 'lines'>>> = {
  state_unknown: {
    title: '登录链接无效 / This login is not known',
    lines: ['授权码没有发给微信，仍然有效。', 'WeChat was not asked: the code is not spent.'],
  },
  state_mismatch: {
    title: '登录请求不属于这个浏览器 / This login began in another browser',
    lines: ['授权码没有发给微信，仍然有效。', 'WeChat was not asked: the code is not spent.'],
  },
  state_expired: {
    title: '登录已超时 / This login took too long',
    lines: ['请在十分钟内完成登录。', 'A login has to end within ten minutes.'],
  },
  state_used: {
    title: '登录链接已使用 / This login is over',
    lines: ['没有再次询问微信。', 'WeChat was not asked again.'],
  },
  code_used: {
    title: '授权码已被使用 / The code was used before',
    lines: ['微信返回 40163。', 'WeChat says 40163: somebody exchanged this code already.'],
  },
  code_invalid: {
    title: '授权码无效 / The code is not valid',
    lines: ['微信返回 40029。 / WeChat says 40029.'],
  },
  code_expired: {
    title: '授权码已过期 / The code is too old',
    lines: ['授权码五分钟内有效。 / A code lives for five minutes.'],
  },
  exchange_outcome_unknown: {
    title: '微信没有应答 / WeChat did not answer',
    lines: ['授权码可能已经用掉，不会再发一次。', 'The code may be spent, and is not sent again.'],
  },
};

export function createShop(options: ShopOptions): RequestListener {
  return (request, response) => {
    serve(options, request, response).catch((error: unknown) => {
      show(response, { title: '出错了 / That failed', lines: [String(error)], status: 502 });
    });
  };
}

async function serve(
  options: ShopOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://shop');
  const target = `http://${String(request.headers.host)}${CALLBACK_PATH}`;
  switch (pathname) {
    case '/':
      show(response, { title: '商店 / The shop', lines: ['你还没有登录。 / You are not logged in.'] });
      return;
    case '/login':
      await beginLogin(options, target, response);
      return;
    case CALLBACK_PATH:
      show(response, await endLogin(options, searchParams, bindingOf(request)));
      return;
    default:
      show(response, { title: '没有这个页面 / No such page', lines: [], status: 404 });
  }
}

/** The binding ties the login to this browser. A shop with https adds `Secure`. */
async function beginLogin(options: ShopOptions, target: string, response: ServerResponse): Promise<void> {
  const request = { app: options.app, redirect_uri: target, scope: 'snsapi_userinfo' };
  const { status, body } = await ask(options, '/login/authorize-url', request);
  if (status !== 200) {
    show(response, failure(body));
    return;
  }
  const cookie = `${COOKIE}=${String(body.binding)}; Path=${CALLBACK_PATH}; Max-Age=${String(body.expires_in)}; HttpOnly; SameSite=Lax`;
  response.writeHead(303, { Location: String(body.url), 'Set-Cookie': cookie, 'Cache-Control': 'no-store' });
  response.end();
}

/** A user who refused comes back without a code. A browser without the cookie began no login here. */
async function endLogin(options: ShopOptions, query: URLSearchParams, binding: string): Promise<Page> {
  const [code, state] = [query.get('code'), query.get('state') ?? ''];
  if (code === null) {
    return {
      title: '你取消了登录 / You refused',
      lines: ['商店没有得到你的任何信息。', 'The shop has learnt nothing about you.'],
    };
  }
  if (binding === '') return failure({ code: 'state_mismatch' });
  const { status, body } = await ask(options, '/login/exchange', { app: options.app, code, state, binding });
  if (status !== 200) return failure(body);
  const openid = `openid: ${String(body.openid)}`;
  if (body.snapshot === true) {
    return { title: '快照页 / Only a snapshot', lines: [openid, 'No account is made for a virtual user.'] };
  }
  const { body: user } = await ask(options, '/login/userinfo', { session: body.session });
  const { nickname } = (user.profile ?? {}) as Json;
  return {
    title: `你好 / Hello, ${String(nickname)}`,
    lines: [
      openid,
      '试试：刷新本页；改动地址里 state 的一个字母；在另一个浏览器里打开这个地址。',
      'Now try: reload this page; change a letter of state in the address; open the address in another browser.',
    ],
  };
}

async function ask({ brokerUrl, apiKey }: ShopOptions, path: string, request: Json) {
  const response = await fetch(brokerUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  return { status: response.status, body: (await response.json()) as Json };
}

function failure({ code, detail }: Json): Page {
  const known = Object.hasOwn(FAILURES, String(code)) ? FAILURES[String(code)] : undefined;
  const { title, lines } = known ?? { title: '登录失败 / The login failed', lines: [String(detail)] };
  return { title, lines: [...lines, `code: ${String(code)}`], status: 400 };
}

function bindingOf({ headers }: IncomingMessage): string {
  const [, binding] = new RegExp(`(?:^|; )${COOKIE}=([^;]*)`).exec(headers.cookie ?? '') ?? [];
  return binding ?? '';
}

/** The address of the callback holds a code, so it goes nowhere: no referrer, no cache, nothing loaded from elsewhere. */
function show(response: ServerResponse, { title, lines, status = 200 }: Page): void {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  });
  response.end(`<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escaped(title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 4rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.5rem; }
a { display: inline-block; padding: 0.5rem 1.25rem; border-radius: 4px; background: #07843f; color: #fff; text-decoration: none; }
</style>
<h1>${escaped(title)}</h1>
${lines.map((line) => `<p>${escaped(line)}</p>`).join('\n')}
<p><a href="/login">微信登录 / Log in with WeChat</a></p>
</html>
`);
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`);
}
