import { Injectable, Logger } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ErrorCode } from '../../core/error-code.js';
import { parseJsonObject } from '../../core/json-object.js';
import type { DropInAnswer } from '../../core/login/drop-in-login.js';
import { LoginService } from '../../core/login/login-service.js';
import type { AuditAction } from '../../core/ports/audit-entry.js';
import type { AppName } from '../../core/token.js';
import { routeOf } from '../../api/common/request.js';
import { DropIn, INTERNAL_ERROR } from '../drop-in.js';
import { WechatClients } from './wechat-clients.js';
import { PlatformRefusal, WechatRefusal } from './wechat-refusal.js';

const PROVIDER = 'wechat';
/** SDKs fetch a global token, and send the code again, at these and at 40001. */
const FETCHING: readonly ErrorCode[] = [40014, 42001];

/** What an SDK sends to exchange a code; `''` is what it did not send. */
export interface DropInExchangeRequest {
  readonly grantType: string;
  readonly appId: string;
  /** The API key. */
  readonly secret: string;
  readonly code: string;
  readonly kind: 'web' | 'mini_program';
}

interface Asked {
  /** Null: not recorded. */
  readonly action: AuditAction | null;
  /** The errcode for a user's token that is none of this broker's. */
  readonly unknownToken: 40003 | 40030;
  /** The errcode for what nobody foresaw: whether something was sent is then unknown. */
  readonly lost: 40163 | 50002;
}

const EXCHANGE: Asked = { action: 'login.exchange', unknownToken: 40003, lost: 40163 };
const REFRESH: Asked = { action: 'login.refresh', unknownToken: 40030, lost: 50002 };
const OF_USER: Asked = { action: 'login.userinfo', unknownToken: 40003, lost: 50002 };

interface Answered {
  /** Null where it is not known. */
  readonly app: AppName | null;
  readonly answer: DropInAnswer;
}

/**
 * The broker in the words of WeChat's login endpoints, with an API key in the place of the AppSecret. Answers are the platform's own, as
 * they came. No errcode of its own is one on which an SDK fetches a token or tries again, unless nothing was sent.
 */
@Injectable()
export class DropInLogins {
  private readonly logger = new Logger(DropInLogins.name);

  constructor(
    private readonly logins: LoginService,
    private readonly dropIn: DropIn,
    private readonly clients: WechatClients,
  ) {}

  /** @throws WechatRefusal, PlatformRefusal */
  async exchange(asked: DropInExchangeRequest, request: FastifyRequest): Promise<string> {
    const { appId, secret, code, grantType, kind } = asked;
    if (appId === '') throw new WechatRefusal(41002, 'send the AppID, once, as appid.');
    if (secret === '') throw new WechatRefusal(41004, 'send an API key of the broker as secret.');
    if (code === '') throw new WechatRefusal(41008, 'send the code that the platform gave, once.');
    if (grantType !== 'authorization_code') throw new WechatRefusal(40002, 'it must be authorization_code.');
    const client = this.clients.ofKey(secret, request);
    const apps = this.clients.apps(appId, client, request);
    this.clients.requireScope('login', client, request);
    const names = apps.map(({ app }) => app);
    return this.answer(EXCHANGE, request, () =>
      ofFirst(names, (app) => this.logins.dropIn.exchange({ app, client: client.name, code, kind })),
    );
  }

  /** @throws WechatRefusal, PlatformRefusal */
  async refresh(
    { appId, grantType, refreshToken }: { appId: string; grantType: string; refreshToken: string },
    request: FastifyRequest,
  ): Promise<string> {
    if (appId === '') throw new WechatRefusal(41002, 'send the AppID, once, as appid.');
    if (grantType !== 'refresh_token') throw new WechatRefusal(40002, 'it must be refresh_token.');
    if (refreshToken === '') throw new WechatRefusal(41003, 'send it, once, as refresh_token.');
    const apps = this.dropIn.apps(PROVIDER, appId);
    return this.answer(REFRESH, request, () =>
      ofFirst(apps, (app) => this.logins.dropIn.refresh({ app, refreshToken })),
    );
  }

  /** @throws WechatRefusal, PlatformRefusal */
  async ofUser(
    what: 'userinfo' | 'auth',
    { accessToken, openid, lang }: { accessToken: string; openid: string; lang: string },
    request: FastifyRequest,
  ): Promise<string> {
    if (accessToken === '') throw new WechatRefusal(41001, "send the user's token, once, as access_token.");
    if (openid === '') throw new WechatRefusal(41009, 'send it, once, as openid.');
    const { dropIn } = this.logins;
    return this.answer({ ...OF_USER, ...(what === 'auth' && { action: null }) }, request, async () => {
      const answer = await (what === 'auth'
        ? dropIn.auth({ provider: PROVIDER, accessToken, openid })
        : dropIn.userinfo({ provider: PROVIDER, accessToken, openid, ...(lang !== '' && { lang }) }));
      return { app: null, answer };
    });
  }

  private async answer(
    { action, unknownToken, lost }: Asked,
    request: FastifyRequest,
    ask: () => Promise<Answered>,
  ): Promise<string> {
    if (action !== null) request.audited = { action, app: null };
    const { app, answer } = await ask().catch((error: unknown) => {
      this.logger.error(`Request ${request.id} failed: ${request.method} ${routeOf(request)}`, error);
      throw new WechatRefusal(lost, INTERNAL_ERROR);
    });
    const openid = answer.kind === 'body' ? openidIn(answer.body) : undefined;
    if (action !== null) request.audited = { action, app, ...(openid !== undefined && { openid }) };
    if (answer.kind === 'body') return answer.body;
    throw refusal(answer, unknownToken);
  }
}

/** The answer of the first app that the question is for. */
async function ofFirst(
  apps: readonly AppName[],
  ask: (app: AppName) => Promise<DropInAnswer>,
): Promise<Answered> {
  let last: DropInAnswer = { kind: 'unknown_token' };
  for (const app of apps) {
    last = await ask(app);
    if (last.kind !== 'wrong_app_type' && last.kind !== 'unknown_token') return { app, answer: last };
  }
  return { app: apps[0] ?? null, answer: last };
}

function refusal(answer: Exclude<DropInAnswer, { kind: 'body' }>, unknownToken: 40003 | 40030): Error {
  switch (answer.kind) {
    case 'refused':
      return new PlatformRefusal(harmless(answer.errcode), answer.message);
    case 'code_used':
      return new WechatRefusal(
        40163,
        'it was used before, by another API key or more than a minute ago, or the platform gave no answer and may have taken it. Begin a new login.',
      );
    case 'not_sent':
      return new WechatRefusal(-1, 'the platform could not be asked; asking again does no harm.');
    case 'lost':
      return new WechatRefusal(
        50002,
        'the platform gave no answer to what was sent. Asking again does no harm: a refresh_token of WeChat is taken more than once.',
      );
    case 'unknown_token':
      return new WechatRefusal(
        unknownToken,
        'this broker did not hand it out, or WeChat does not take it any more.',
      );
    case 'wrong_app_type':
      return new WechatRefusal(
        48001,
        'apps of this type have no such login: codes of mini programs go to /sns/jscode2session, and such an app has `type: mini_program` in its configuration.',
      );
  }
}

function harmless(errcode: ErrorCode): number {
  if (errcode === 40001) return 40125;
  return typeof errcode === 'number' && !FETCHING.includes(errcode) ? errcode : 40163;
}

/** Whom an answer is about; undefined where it says nothing of that. */
function openidIn(body: string): string | undefined {
  const openid = parseJsonObject(body)?.openid;
  return typeof openid === 'string' ? openid : undefined;
}
