import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TokenBroker } from '../../core/broker.js';
import type { ErrorCode } from '../../core/error-code.js';
import { BrokerError } from '../../core/errors.js';
import { Clock } from '../../core/ports/clock.js';
import { GatewaySettings, type GatewayApp, type PathRule } from '../../core/ports/gateway-profile.js';
import type { AppName, HeldToken } from '../../core/token.js';
import type { ClientAccess } from '../auth/client-access.js';
import { HttpProblem } from '../common/problem.js';
import { auditEntry, AuditTrail } from '../common/request.js';
import { Readiness } from '../health/readiness.js';
import { readCallBody, type CallBody } from './call-body.js';
import { CallLimits } from './call-limits.js';
import { isTokenDead, outcomeOf, outcomeOfAnswer, problemOf } from './call-outcome.js';
import { forwarded, readTarget, ruledPath, withToken, type CallTarget } from './call-target.js';
import { CallerConnection } from './caller-connection.js';
import { GatewayObserver, type CallOutcome } from './gateway-observer.js';
import { lengthOf, passedOn, withoutToken, type UpstreamAnswer } from './platform-answer.js';
import { Upstream } from './upstream.js';

/** For a caller to send the rest of a body that nobody needs. */
const DRAIN_MS = 10_000;

/** One call of a client that is known. */
export interface GatewayCall {
  readonly app: AppName;
  readonly client: ClientAccess;
  readonly api: Api;
  readonly target: CallTarget;
  /** `ticket`: the broker answers it itself, with a ticket that it keeps. */
  readonly rule: PathRule;
}

interface AllowedCall extends GatewayCall {
  /** The entry of the client's list that allows it. */
  readonly entry: string;
}

interface Api extends GatewayApp {
  readonly upstream: Upstream;
}

interface Answer extends UpstreamAnswer {
  /** The whole of it, where it is JSON of at most 64 KiB. */
  readonly json: Buffer | null;
  readonly held: HeldToken;
  readonly errcode: ErrorCode | null;
  readonly upstreamMs: number;
}

/**
 * Passes calls on to platforms with the token that the caller does not have. A token that turns out dead is reported, and the
 * call sent once more with its successor; for any other trouble nothing is ever sent twice.
 */
@Injectable()
export class Gateway implements OnApplicationShutdown {
  private apis: ReadonlyMap<AppName, Api> = new Map();
  private readonly limits: CallLimits;

  constructor(
    private settings: GatewaySettings,
    private readonly broker: TokenBroker,
    private readonly clock: Clock,
    private readonly observer: GatewayObserver,
    private readonly audit: AuditTrail,
    private readonly readiness: Readiness,
  ) {
    this.limits = new CallLimits(settings.maxInFlightPerApp, clock, (app, count, limit) => {
      observer.inFlight(app, count, limit);
    });
    this.configure(settings);
  }

  /** From the next call on. Calls that are under way end as they began; connections stay where nothing about them changes. */
  configure(settings: GatewaySettings): void {
    const before = this.apis;
    this.settings = settings;
    this.limits.configure(settings.maxInFlightPerApp);
    this.apis = new Map(
      settings.apps.map((app) => {
        const known = before.get(app.name);
        const upstream = known?.upstream.isFor(app) ? known.upstream : new Upstream(app, this.clock);
        return [app.name, { ...app, upstream }];
      }),
    );
    const used = new Set([...this.apis.values()].map(({ upstream }) => upstream));
    for (const { upstream } of before.values()) if (!used.has(upstream)) void upstream.end();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.apis.values()].map(({ upstream }) => upstream.close()));
  }

  /**
   * @param url as the caller sent it, from the slash that begins the platform's path
   * @throws HttpProblem `invalid_request`, `path_not_allowed`
   */
  read(app: AppName, client: ClientAccess, url: string): GatewayCall {
    try {
      const api = this.api(app);
      const target = readTarget(url);
      return { app, client, api, target, rule: api.profile.ruleOf(ruledPath(target)) };
    } catch (error) {
      this.observer.called(app, 'none', 'refused', 0, null);
      throw error;
    }
  }

  /**
   * Answers the call with what the platform answers. Once it resolves the answer is through, or the caller has gone.
   *
   * @throws HttpProblem as http-problem codes say; BrokerError as `TokenBroker.current` does. Nothing is answered yet then
   */
  async forward(call: GatewayCall, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const startMonoMs = this.clock.monotonicMs();
    let entry = 'none';
    const tell = (outcome: CallOutcome, upstreamMs: number | null = null): void => {
      const durationMs = this.clock.monotonicMs() - startMonoMs;
      this.observer.called(call.app, entry, outcome, durationMs, upstreamMs);
    };
    const caller = new CallerConnection(reply.raw);
    try {
      entry = entryFor(call, request.method);
      const { outcome, upstreamMs } = await this.pass({ ...call, entry }, request, reply, caller);
      tell(caller.isGone ? 'aborted' : outcome, upstreamMs);
      this.drain(request);
    } catch (error) {
      if (caller.isGone) {
        tell('aborted');
        reply.hijack();
        return;
      }
      tell(outcomeOf(error));
      this.drain(request);
      throw error;
    }
  }

  private api(app: AppName): Api {
    const api = this.apis.get(app);
    if (api) return api;
    throw new HttpProblem(
      'path_not_allowed',
      `The broker does not know where the API of app ${app} is: set apps[].gateway.baseUrl.`,
    );
  }

  private async pass(
    call: AllowedCall,
    request: FastifyRequest,
    reply: FastifyReply,
    caller: CallerConnection,
  ): Promise<{ outcome: CallOutcome; upstreamMs: number }> {
    const { app, client, api } = call;
    const { maxBodyBytes = 0, ratePerSecond } = client.gateway ?? {};
    this.limits.enter(app, client.name, ratePerSecond);
    let body: CallBody | undefined;
    try {
      const { spoolDirectory } = this.settings;
      body = await readCallBody(request.raw, { maxBytes: maxBodyBytes, spoolDirectory });
      const held = this.broker.held(app) ?? (await this.broker.current(app));
      let answer = await this.send(call, request, body, held, caller);
      let isRetried = false;
      if (isTokenDead(api, answer)) {
        const next = await this.successor(call, answer);
        if (next && body.isHeld && !caller.isGone) {
          answer.rest?.destroy();
          this.observer.retried(app);
          isRetried = true;
          answer = await this.send(call, request, body, next, caller);
        }
      }
      const isThrough = await this.answer(call, answer, isRetried, request, reply, caller);
      return { outcome: isThrough ? outcomeOfAnswer(api, answer) : 'lost', upstreamMs: answer.upstreamMs };
    } finally {
      this.limits.leave(app);
      body?.close();
    }
  }

  /** One request to the platform, and as much of its answer as has to be known. */
  private async send(
    { api, target }: AllowedCall,
    { method, raw }: FastifyRequest,
    body: CallBody,
    held: HeldToken,
    caller: CallerConnection,
  ): Promise<Answer> {
    const startMonoMs = this.clock.monotonicMs();
    const { path, header } = withToken(target, api.profile.token, held.record.value);
    const headers = forwarded(raw.rawHeaders);
    if (header) headers.push(...header);
    if (body.length !== null) headers.push('content-length', String(body.length));
    try {
      const request = { method, path, headers, body: body.content() };
      const answer = await api.upstream.send(request, caller);
      const upstreamMs = this.clock.monotonicMs() - startMonoMs;
      const json = answer.isJson ? joined(answer.chunks) : null;
      const errcode = api.profile.errcodeOf({ status: answer.status, headers: answer.headers, json });
      return { ...answer, json, held, errcode, upstreamMs };
    } catch (error) {
      if (error instanceof HttpProblem) throw error;
      throw problemOf(error);
    }
  }

  /** The token after the one that was refused; null where there is no other that could help. */
  private async successor(
    { app, client }: GatewayCall,
    { held: { record }, errcode }: Answer,
  ): Promise<HeldToken | null> {
    const { generation, value } = record;
    try {
      const report = { caller: client.name, generation, accessToken: value, force: false };
      const { token } = await this.broker.report(app, { ...report, ...(errcode !== null && { errcode }) });
      return token && token.record.value !== value ? token : null;
    } catch (error) {
      if (error instanceof BrokerError) return null;
      throw error;
    }
  }

  /** False when the platform breaks off before the end of its answer; the caller sees that too. */
  private async answer(
    { app, entry }: AllowedCall,
    { status, headers, chunks, rest, json, held }: Answer,
    isRetried: boolean,
    request: FastifyRequest,
    reply: FastifyReply,
    caller: CallerConnection,
  ): Promise<boolean> {
    if (rest?.errored) throw problemOf(rest.errored);
    const act = { action: 'gateway.call', app, reason: entry, token: held.record } as const;
    this.audit.record(auditEntry(request, act, status));
    reply.hijack();
    const response = reply.raw;
    const head = passedOn(headers);
    head.push('x-request-id', request.id, 'x-token-generation', String(held.record.generation));
    if (isRetried) head.push('x-token-retried', '1');
    head.push('cache-control', 'no-store');
    if (this.readiness.isStopping) head.push('connection', 'close');

    const whole = json ? withoutToken(json, held.record.value) : joined(chunks);
    const length = rest || request.method === 'HEAD' ? lengthOf(headers) : whole.length;
    if (length !== null && status !== 204 && status !== 304) head.push('content-length', String(length));
    response.writeHead(status, head as string[]);
    if (rest) {
      response.write(whole);
      rest.once('error', () => response.destroy());
      rest.pipe(response);
    } else {
      // As text it leaves in one piece with the head.
      response.end(whole.toString('latin1'), 'latin1');
    }
    await caller.closed;
    return rest?.readableEnded ?? true;
  }

  /** A caller may read the answer only after it has sent its body. */
  private drain({ raw }: FastifyRequest): void {
    if (raw.complete || raw.destroyed) return;
    raw.resume();
    const stop = this.clock.after(DRAIN_MS, () => raw.socket.destroy());
    raw.once('close', stop);
  }
}

function joined(chunks: readonly Buffer[]): Buffer {
  const [first] = chunks;
  return first && chunks.length === 1 ? first : Buffer.concat(chunks);
}

/** The entry of the client's list that allows the call. @throws HttpProblem `path_not_allowed` */
function entryFor({ client, target, rule }: GatewayCall, method: string): string {
  if (rule === 'forbidden' || rule === 'ticket') {
    throw new HttpProblem(
      'path_not_allowed',
      'The gateway passes no call on that gives tokens away or takes the AppSecret, whatever a client may do.',
    );
  }
  const entry = client.calls.entryFor(method, target.plainPath);
  if (entry === undefined) {
    throw new HttpProblem(
      'path_not_allowed',
      `Client ${client.name} may not make this call: no entry of its gateway.allow has this method and path.`,
    );
  }
  if (rule === 'admin' && !client.may('gateway:admin')) {
    throw new HttpProblem(
      'path_not_allowed',
      `This call concerns all who use the app: it needs the scope gateway:admin, which client ${client.name} lacks.`,
    );
  }
  return entry;
}
