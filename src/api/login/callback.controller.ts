import { Controller, Get, Param, Query as QueryString, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LoginService } from '../../core/login/login-service.js';
import { Api } from '../common/api-route.js';
import { HttpProblem } from '../common/problem.js';
import { singleParameter, type Query } from '../common/request.js';
import { audited } from './audited.js';
import { sendCallbackPage } from './callback-page.js';
import { CALLBACK } from './login.api.js';

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
