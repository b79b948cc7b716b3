import { Body, Controller, HttpCode, Module, Post, Req } from '@nestjs/common';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsOptional, IsString, Length } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { TOO_MANY_UNKNOWN } from '../../core/login/known-users.js';
import { LoginService } from '../../core/login/login-service.js';
import { Caller } from '../auth/api-key.guard.js';
import type { ClientAccess } from '../auth/client-access.js';
import { about, Api, type ApiRoute } from '../common/api-route.js';
import { JsonBodyPipe } from '../common/json-body.pipe.js';
import { anyObject, object, text, type FromSchema } from '../common/schema.js';
import { audited } from '../login/audited.js';

/** Five calls to the platform, where all of them are known. */
const MAX_OPENIDS = 500;

/** Body of POST /users/info. */
class UsersInfoRequest {
  @IsOptional()
  @IsString()
  app?: string | null;

  @Length(1, 128, { each: true })
  @IsString({ each: true })
  @ArrayMaxSize(MAX_OPENIDS)
  @ArrayMinSize(1)
  @IsArray(about('Of users of this app.'))
  openids!: string[];

  @IsOptional()
  @IsIn(['zh_CN', 'zh_TW', 'en'], about('`zh_CN` if left out.'))
  lang?: string | null;
}

const usersSchema = {
  title: 'Users',
  ...object({ users: { type: 'array', items: anyObject }, unknown: { type: 'array', items: text } }),
} as const;

const USERS_INFO: ApiRoute = {
  access: 'users:read',
  summary: 'What the platform knows of users, by the app’s own token',
  description:
    'In the order of `openids`, each once, at most 500. Those that are no users of this app stand in `unknown`. A refused token is replaced on the way.',
  body: {
    shape: UsersInfoRequest,
    example: { app: 'shop', openids: ['oKj4x5Q2Zl0n8Rk3vYt7Wb1cDe9A', 'oNobody'] },
  },
  answers: {
    200: {
      description: 'As the platform says it',
      schema: usersSchema,
      example: {
        users: [
          { openid: 'oKj4x5Q2Zl0n8Rk3vYt7Wb1cDe9A', unionid: 'oU7x2mQ4Zl0n8Rk3vYt7Wb1cDe9A', subscribe: 1 },
        ],
        unknown: ['oNobody'],
      },
    },
  },
  faults: [
    ['wrong_app_type', 'Only an official account knows its users.', { action: 'fix_request' }],
    'no_token_yet',
    ['data_invalid', TOO_MANY_UNKNOWN, { action: 'fix_request' }],
    ['rate_limited', 'The platform wants fewer calls.', { action: 'retry', retryAfterSeconds: 60 }],
    [
      'app_misconfigured',
      'The platform refuses this app, or may not tell it this; its operator sees why in GET /apps and the log.',
      { action: 'fix_config', retryAfterSeconds: 60 },
    ],
    ['upstream_unavailable', 'The platform cannot be reached.', { action: 'retry', retryAfterSeconds: 2 }],
  ],
};

/** Users by the app's own token: nobody needs to log in for it. */
@Controller('users')
class UsersController {
  constructor(private readonly logins: LoginService) {}

  @Post('info')
  @HttpCode(200)
  @Api(USERS_INFO)
  async info(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @Body(new JsonBodyPipe(UsersInfoRequest)) { app: named, openids, lang }: UsersInfoRequest,
  ): Promise<FromSchema<typeof usersSchema>> {
    const app = client.app(named ?? undefined);
    const { users, unknown } = await audited(request, 'users.info', app, () =>
      this.logins.users({ app, openids, lang: lang ?? undefined }),
    );
    return { users: [...users], unknown: [...unknown] };
  }
}

@Module({ controllers: [UsersController] })
export class UsersModule {}
