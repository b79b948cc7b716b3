import { Body, Controller, Delete, Get, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ConsoleData } from '../../core/console/console-data.js';
import { Clock } from '../../core/ports/clock.js';
import { Caller, Authenticator } from '../auth/api-key.guard.js';
import type { ClientAccess } from '../auth/client-access.js';
import { Api } from '../common/api-route.js';
import { JsonBodyPipe } from '../common/json-body.pipe.js';
import { READ_SESSION, SIGN_IN, SIGN_OUT, SignInRequest } from './console.api.js';
import { ConsoleGuard, Session } from './console.guard.js';
import { sessionView, type SessionView } from './console.views.js';
import { SessionCookies, setCookie, type ConsoleSession } from './session-cookie.js';

/** Signing in at the console, and out. */
@Controller('console/api/session')
@UseGuards(ConsoleGuard)
export class ConsoleSessionController {
  constructor(
    private readonly cookies: SessionCookies,
    private readonly authenticator: Authenticator,
    private readonly data: ConsoleData,
    private readonly clock: Clock,
  ) {}

  @Post()
  @HttpCode(200)
  @Api(SIGN_IN)
  async signIn(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Body(new JsonBodyPipe(SignInRequest)) { key }: SignInRequest,
  ): Promise<SessionView> {
    const { client, proof } = await this.authenticator.signIn(request, key);
    this.authenticator.requireScope(request, client, 'console');
    request.audited = { action: 'console.sign_in', app: null };
    const session = this.cookies.open(client.name, proof);
    void reply.header('set-cookie', setCookie(this.cookies.seal(session), isHttps(request)));
    return this.view(client, session);
  }

  @Get()
  @Api(READ_SESSION)
  read(@Caller() client: ClientAccess, @Session() session: ConsoleSession | null): SessionView {
    return this.view(client, session);
  }

  @Delete()
  @HttpCode(204)
  @Api(SIGN_OUT)
  signOut(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): void {
    request.audited = { action: 'console.sign_out', app: null };
    void reply.header('set-cookie', setCookie(null, isHttps(request)));
  }

  private view(client: ClientAccess, session: ConsoleSession | null): SessionView {
    return sessionView(client, session, this.data.version, this.clock.wallMs());
  }
}

/** As far as the proxies in front are trusted. */
function isHttps({ protocol }: FastifyRequest): boolean {
  return protocol === 'https';
}
