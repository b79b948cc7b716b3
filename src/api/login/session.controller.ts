import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { LoginService } from '../../core/login/login-service.js';
import { Caller } from '../auth/api-key.guard.js';
import type { ClientAccess } from '../auth/client-access.js';
import { Api } from '../common/api-route.js';
import { JsonBodyPipe } from '../common/json-body.pipe.js';
import { audited } from './audited.js';
import { DecryptRequest, SessionRequest, UserinfoRequest } from './login-requests.dto.js';
import { CHECK_SESSION, DECRYPT, LOGOUT, SESSION_KEY, TOKENS, USERINFO } from './login.api.js';
import type {
  DecryptedView,
  SessionKeyView,
  UserinfoView,
  UserTokensView,
  ValidityView,
} from './login.view.js';

/** What is asked of the session that a login made. It belongs to the client that logged the user in. */
@Controller('login')
export class SessionController {
  constructor(private readonly logins: LoginService) {}

  @Post('userinfo')
  @HttpCode(200)
  @Api(USERINFO)
  async userinfo(
    @Req() request: FastifyRequest,
    @Caller() { name: client }: ClientAccess,
    @Body(new JsonBodyPipe(UserinfoRequest)) { session, lang }: UserinfoRequest,
  ): Promise<UserinfoView> {
    const profile = await audited(request, 'login.userinfo', null, (found) =>
      this.logins.profile({ client, session, found, lang: lang ?? undefined }),
    );
    return { profile };
  }

  @Post('tokens')
  @HttpCode(200)
  @Api(TOKENS)
  async tokens(
    @Req() request: FastifyRequest,
    @Caller() { name: client }: ClientAccess,
    @Body(new JsonBodyPipe(SessionRequest)) { session }: SessionRequest,
  ): Promise<UserTokensView> {
    const { accessToken, refreshToken, expiresInSeconds, openid, scope } = await audited(
      request,
      'login.tokens',
      null,
      (found) => this.logins.tokens({ client, session, found }),
    );
    return {
      access_token: accessToken,
      refresh_token: refreshToken ?? undefined,
      expires_in: expiresInSeconds,
      openid,
      scope,
    };
  }

  @Post('session/check')
  @HttpCode(200)
  @Api(CHECK_SESSION)
  async check(
    @Req() request: FastifyRequest,
    @Caller() { name: client }: ClientAccess,
    @Body(new JsonBodyPipe(SessionRequest)) { session }: SessionRequest,
  ): Promise<ValidityView> {
    const valid = await audited(request, 'login.session_check', null, (found) =>
      this.logins.checkSession({ client, session, found }),
    );
    return { valid };
  }

  @Post('session/decrypt')
  @HttpCode(200)
  @Api(DECRYPT)
  async decrypt(
    @Req() request: FastifyRequest,
    @Caller() { name: client }: ClientAccess,
    @Body(new JsonBodyPipe(DecryptRequest)) { session, encrypted_data, iv }: DecryptRequest,
  ): Promise<DecryptedView> {
    const data = await audited(request, 'login.decrypt', null, (found) =>
      this.logins.decrypt({ client, session, encryptedData: encrypted_data, iv, found }),
    );
    return { data };
  }

  @Post('session/key')
  @HttpCode(200)
  @Api(SESSION_KEY)
  async sessionKey(
    @Req() request: FastifyRequest,
    @Caller() { name: client }: ClientAccess,
    @Body(new JsonBodyPipe(SessionRequest)) { session }: SessionRequest,
  ): Promise<SessionKeyView> {
    const sessionKey = await audited(request, 'login.session_key', null, (found) =>
      this.logins.sessionKey({ client, session, found }),
    );
    return { session_key: sessionKey };
  }

  @Post('logout')
  @HttpCode(204)
  @Api(LOGOUT)
  async logout(
    @Req() request: FastifyRequest,
    @Caller() { name: client }: ClientAccess,
    @Body(new JsonBodyPipe(SessionRequest)) { session }: SessionRequest,
  ): Promise<void> {
    await audited(request, 'login.logout', null, (found) => this.logins.logout({ client, session, found }));
  }
}
