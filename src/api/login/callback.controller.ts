import { Controller, Get, Param, Query as QueryString, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LoginService } from '../../core/login/login-service.js';
import { Api } from '../common/api-route.js';
import { HttpProblem } from '../common/problem.js';
import { singleParameter, type Query } from '../common/request.js';
import { audited } from './audited.js';
import { CALLBACK } from './login.api.js';
import { describeProblem } from '../common/problem.filter.js';

/** Keeps code and state from every page that the browser goes to from here. */
const SECRECY = { 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' };

/** The hosted callback, to which the platform sends the browser back. The only route of logins that browsers see. */
@Controller('login/callback')
export class CallbackController {
  constructor(private readonly logins: LoginService) {}

  @Get(':app')
  @Api(CALLBACK, { sendError: sendCallbackPage })
  async callback(
    @Req() request: FastifyRequest,
    @Param('app') app: string,
    @QueryString() query: Query,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    // Fastify offers HEAD for each GET route, and a request that only looks must not spend a code.
    if (request.method !== 'GET') {
      reply.header('allow', 'GET');
      throw new HttpProblem('method_not_allowed', 'This path takes GET.');
    }
    const { redirectTo } = await audited(request, 'login.callback', null, async (found) => {
      const code = isRefusal(query) ? undefined : singleParameter(query, 'code');
      const next = await this.logins.callback({ app, code, state: singleParameter(query, 'state') });
      found({ app });
      return next;
    });
    void reply
      .code(303)
      .headers({ ...SECRECY, location: redirectTo })
      .send();
  }
}

/** That the user refused, as some platforms say it: beside such a word, `code` is the number of an error. */
function isRefusal(query: Query): boolean {
  return ['error', 'msg', 'usercancel'].some((name) => query[name] !== undefined);
}

interface Advice {
  readonly title: string;
  readonly text: string;
}

/** In both languages of those who log in here. Repeats nothing of the request. */
const AGAIN: readonly Advice[] = [
  {
    title: '登录没有完成',
    text: '登录已超时，或者该链接已经使用过。请返回原来的页面，重新登录。',
  },
  {
    title: 'You are not logged in',
    text: 'The login took too long, or this link was used before. Go back to the page that you came from and log in again.',
  },
];
const LATER: readonly Advice[] = [
  { title: '暂时无法登录', text: '登录服务暂时不可用。请稍后返回原来的页面，重新登录。' },
  {
    title: 'Logging in does not work at the moment',
    text: 'Go back in a minute to the page that you came from and log in again.',
  },
];

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
};

/** What a person sees where a callback leads nowhere: no address to go back to is known that could be trusted. */
function sendCallbackPage(thrown: unknown, reply: FastifyReply): void {
  const { status, code, retry_after: retryAfter } = describeProblem(thrown);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  void reply
    .code(status)
    .headers(HEADERS)
    .send(page(status >= 500 || status === 429 ? LATER : AGAIN, code));
}

function page(advice: readonly Advice[], code: string): string {
  const [chinese, english] = advice.map(({ title, text }) => `<h1>${title}</h1>\n<p>${text}</p>`);
  return `<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${advice.map(({ title }) => title).join(' · ')}</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}h1{font-size:1.4rem}footer{color:#666;font-size:.9rem}</style>
${chinese ?? ''}
<section lang="en">
${english ?? ''}
</section>
<footer>${code}</footer>
</html>
`;
}
