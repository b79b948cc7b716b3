import { Body, Controller, HttpCode, Module, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { LoginError } from '../../core/login/login-error.js';
import { LoginService } from '../../core/login/login-service.js';
import type { AppName } from '../../core/token.js';
import { Caller } from '../auth/api-key.guard.js';
import type { ClientAccess } from '../auth/client-access.js';
import { Api } from '../common/api-route.js';
import { JsonBodyPipe } from '../common/json-body.pipe.js';
import { HttpProblem } from '../common/problem.js';
import { audited } from './audited.js';
import { CallbackController } from './callback.controller.js';
import { AuthorizeUrlRequest, ExchangeRequest, PhoneRequest, RedeemRequest } from './login-requests.dto.js';
import { AUTHORIZE_URL, EXCHANGE, PHONE, REDEEM } from './login.api.js';
import {
  authorizeUrlView,
  loginView,
  type AuthorizeUrlView,
  type LoginView,
  type PhoneView,
} from './login.view.js';
import { SessionController } from './session.controller.js';

/** Users log in: what a backend service asks for before there is a session. */
@Controller('login')
class LoginController {
  constructor(private readonly logins: LoginService) {}

  @Post('authorize-url')
  @HttpCode(200)
  @Api(AUTHORIZE_URL)
  async begin(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @Body(new JsonBodyPipe(AuthorizeUrlRequest)) body: AuthorizeUrlRequest,
  ): Promise<AuthorizeUrlView> {
    const app = client.app(body.app ?? undefined);
    const begun = await audited(request, 'login.begin', app, () =>
      this.logins.authorizeUrl({
        app,
        client: client.name,
        redirectUri: body.redirect_uri,
        scope: body.scope ?? undefined,
        forcePopup: body.force_popup ?? undefined,
        codeChallenge: body.code_challenge ?? undefined,
      }),
    );
    return authorizeUrlView(begun);
  }

  @Post('exchange')
  @HttpCode(200)
  @Api(EXCHANGE)
  async exchange(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @Body(new JsonBodyPipe(ExchangeRequest)) body: ExchangeRequest,
  ): Promise<LoginView> {
    const app = client.app(body.app ?? undefined);
    return audited(request, 'login.exchange', app, async (found) => {
      const login = await this.spend(app, client.name, body);
      found(login);
      return loginView(login);
    });
  }

  @Post('redeem')
  @HttpCode(200)
  @Api(REDEEM)
  async redeem(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @Body(new JsonBodyPipe(RedeemRequest)) { ticket, binding }: RedeemRequest,
  ): Promise<LoginView> {
    return audited(request, 'login.redeem', null, async (found) => {
      const login = await this.logins.redeem({ client: client.name, ticket, binding, found });
      found(login);
      return loginView(login);
    });
  }

  @Post('phone')
  @HttpCode(200)
  @Api(PHONE)
  async phone(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @Body(new JsonBodyPipe(PhoneRequest)) body: PhoneRequest,
  ): Promise<PhoneView> {
    const app = client.app(body.app ?? undefined);
    const phone = await audited(request, 'login.phone', app, () =>
      this.logins.phone({ app, code: body.code, openid: body.openid ?? undefined }),
    );
    return { phone_info: phone };
  }

  private spend(app: AppName, client: string, body: ExchangeRequest) {
    const { code, state, binding, code_verifier: codeVerifier, js_code: jsCode } = body;
    if (jsCode != null) {
      if (code != null || state != null || binding != null || codeVerifier != null) {
        throw new HttpProblem(
          'invalid_request',
          'js_code, of a mini program, comes with nothing else but app.',
        );
      }
      return this.logins.exchangeJsCode({ app, client, code: jsCode });
    }
    if (code == null) throw new LoginError('code_missing');
    if (state == null) throw new HttpProblem('invalid_request', 'Send the state that the callback got.');
    if ((binding == null) === (codeVerifier == null)) {
      throw new HttpProblem(
        'invalid_request',
        "Send either binding, out of the browser's cookie, or code_verifier.",
      );
    }
    const proof = binding == null ? { codeVerifier: codeVerifier ?? '' } : { binding };
    return this.logins.exchange({ app, client, code, state, proof });
  }
}

@Module({ controllers: [LoginController, SessionController, CallbackController] })
export class LoginApiModule {}
