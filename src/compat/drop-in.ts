import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TokenBroker } from '../core/broker.js';
import { BrokerError } from '../core/errors.js';
import type { ReportAnswer } from '../core/reports/token-report.js';
import type { AppName, HeldToken } from '../core/token.js';
import { VIRTUAL_TOKEN_SECONDS, VirtualTokens } from '../core/virtual-tokens.js';
import type { Scope } from '../config/client.section.js';
import type { ClientAccess } from '../api/auth/client-access.js';
import { HttpProblem, isRefusedLimit } from '../api/common/problem.js';
import { integer, object, text } from '../api/common/schema.js';

export const errcodeZero = { ...integer, enum: [0] };

/** How WeChat and WeCom refuse: with status 200. */
export const platformErrorSchema = {
  title: 'WechatError',
  ...object({
    errcode: { ...integer, not: { enum: [0] } },
    errmsg: { ...text, description: "WeChat's words, and after `access-token-broker:` the reason." },
  }),
};

/** A parameter of the query string. */
export const requiredText = { ...text, minLength: 1, required: true } as const;

export interface KnownApp {
  readonly app: AppName;
  readonly provider: string;
  readonly grant: string | null;
}

/** What a platform's token endpoint answers, whatever it calls it. */
export interface DropInToken {
  readonly access_token: string;
  /** Seconds for which the caller may keep it. */
  readonly expires_in: number;
}

interface HandOut {
  readonly held: HeldToken;
  /** What came of a report, where the question was one. */
  readonly reason: string | null;
  /** The caller may keep the token at most so long without asking again. */
  readonly keptMs: number;
}

/** What the drop-in endpoints of all platforms have in common: apps by the platform's name for them, and their tokens. */
@Injectable()
export class DropIn {
  private configured = new Map<string, readonly KnownApp[]>();
  /** What `configured` was made of. */
  private names: readonly AppName[] = [];

  constructor(
    private readonly broker: TokenBroker,
    private readonly virtualTokens: VirtualTokens,
  ) {}

  /** The apps by their id at the platform, made anew when other apps are configured. */
  private get known(): ReadonlyMap<string, readonly KnownApp[]> {
    const { apps } = this.broker;
    if (this.names === apps) return this.configured;
    this.configured = new Map();
    for (const app of apps) {
      const { appId, provider, grant } = this.broker.status(app);
      this.configured.set(appId, [...(this.configured.get(appId) ?? []), { app, provider, grant }]);
    }
    this.names = apps;
    return this.configured;
  }

  /** The apps with this id at this platform, in configured order. */
  apps(provider: string, appId: string): readonly AppName[] {
    const known = this.known.get(appId) ?? [];
    return known.filter((one) => one.provider === provider).map(({ app }) => app);
  }

  /** The same apps, but only those that the client may see. */
  visibleApps(provider: string, appId: string, client: ClientAccess): readonly KnownApp[] {
    const known = this.known.get(appId) ?? [];
    return known.filter((one) => one.provider === provider && client.visibleApp(one.app) !== undefined);
  }

  /** What a client needs to get a token of its kind. */
  scopeFor(client: ClientAccess): Scope {
    return client.usesVirtualTokens ? 'gateway' : 'token:read';
  }

  /**
   * The token for an SDK, a virtual one for a client that is to have no other, and what the audit trail is to say of it. No SDK says that its token was refused, it just asks
   * again: an ask for a token that was there before is a guess that it died.
   *
   * @param refusal makes the error for a budget that is used up
   * @throws BrokerError as `TokenBroker.current` and `report` do
   */
  async token(
    { app, client, force = false }: { app: AppName; client: ClientAccess; force?: boolean },
    request: FastifyRequest,
    refusal: (why: string) => Error,
  ): Promise<DropInToken> {
    if (client.usesVirtualTokens) return this.virtualToken(app, client, request);
    const { held, reason, keptMs } = await this.handOut(app, client.name, force, refusal);
    const action = reason === null ? 'token.read' : 'token.report';
    request.audited = { action, app, reason, token: held.record };
    const expiresIn = client.promisedSeconds(Math.min(this.broker.cacheableMs(app, held), keptMs));
    return { access_token: held.record.value, expires_in: expiresIn };
  }

  /** Asking again says nothing here: a token that died is replaced at the call that finds it dead. */
  private async virtualToken(
    app: AppName,
    client: ClientAccess,
    request: FastifyRequest,
  ): Promise<DropInToken> {
    const { record } = this.broker.held(app) ?? (await this.broker.current(app));
    request.audited = { action: 'token.virtual', app, token: record };
    return {
      access_token: this.virtualTokens.issue({ client: client.name, app }),
      expires_in: client.promisedSeconds(VIRTUAL_TOKEN_SECONDS * 1000),
    };
  }

  private async handOut(
    app: AppName,
    caller: string,
    force: boolean,
    refusal: (why: string) => Error,
  ): Promise<HandOut> {
    const of = (answer: ReportAnswer): HandOut => {
      if (answer.kind !== 'answered') throw refusal(`refresh_budget_exhausted: ${answer.detail}`);
      return { held: answer.token, reason: answer.reason, keptMs: answer.heardInMs ?? Infinity };
    };
    if (force) return of(await this.broker.report(app, { caller, force: false }));
    const held = this.broker.held(app);
    if (!held) return { held: await this.broker.current(app), reason: null, keptMs: Infinity };
    const guess = { caller, accessToken: held.record.value, force: false, isGuess: true };
    const answer = of(await this.broker.report(app, guess));
    return answer.reason === 'still_valid' ? { ...answer, reason: null } : answer;
  }
}

/** SDKs that know -1 try again at once, or after seconds; the errcode for too many calls tells them to wait longer. */
const MAX_BUSY_SECONDS = 60;

/**
 * What failed in the broker, in the words of a platform; undefined for what nobody foresaw.
 *
 * @param tooMany the platform's errcode for too many calls
 */
export function refusalOf<TooMany extends number>(
  error: unknown,
  tooMany: TooMany,
): readonly [errcode: -1 | TooMany, why: string] | undefined {
  if (!(error instanceof BrokerError || error instanceof HttpProblem)) return undefined;
  const isLong =
    error instanceof HttpProblem ? isRefusedLimit(error) : (error.retryAfterSeconds ?? 0) > MAX_BUSY_SECONDS;
  return [isLong ? tooMany : -1, `${error.code}: ${error.message}`];
}

/** For what nobody foresaw. */
export const INTERNAL_ERROR = 'internal_error: the broker failed at this request. Its log says why.';

/** For a key that is nobody's, in the parameter of that name. */
export function unknownKey(parameter: string): string {
  return `${parameter} is an API key of the broker here, and this one is not known: its SHA-256 is in no client of the broker's configuration.`;
}

/** A platform answers nearly all errors with status 200 too. As bytes: to a string of JSON Fastify would add a charset of its own. */
export function sendAsIs(reply: FastifyReply, contentType: string, body: object, status = 200): void {
  void reply
    .code(status)
    .header('content-type', contentType)
    .send(Buffer.from(JSON.stringify(body)));
}
