import type { ServerResponse } from 'node:http';
import { errmsg } from './errmsg.js';
import { effectOf, platformActs, type FaultSpec } from '../fault-spec.js';
import { htmlReply, jsonReply, send, spoiled, type HttpReply } from '../http-reply.js';
import { pause } from '../pause.js';
import type { Platform } from './platform.js';
import { Refusal } from './refusal.js';
import { routeOf } from './routes.js';
import type { SimulatedWechat } from './simulated-wechat.js';
import { isObject, parsed } from '../json.js';
import { text } from './wechat-call.js';
import type { HttpCall } from '../read-call.js';

interface Answer {
  readonly reply: HttpReply;
  /** The word for it in the call log. */
  readonly outcome: string;
}

/**
 * One request to the simulated platform, faults included. What was asked for happens at its appointed instant, whether or
 * not the caller still waits. Rejects when `stopping` aborts.
 */
export async function serveWechat(
  { platform, settings, faults }: SimulatedWechat,
  call: HttpCall,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const { method, path } = call;
  const app_id = appIdOf(call, platform);
  const fault = faults.take(path, app_id);
  const spec = fault?.spec ?? {};
  const entry = platform.calls.arrived({
    at: settings.now(),
    app_id,
    method,
    path,
    fault: fault?.id ?? null,
  });

  await pause(spec.delayBeforeMs ?? 0, stopping);
  if (spec.holdUntilReleased) await fault?.removed;
  stopping.throwIfAborted();

  const nowMs = settings.now();
  let answer: Answer = refused(spec.errcode ?? -1, call, nowMs, spec.errmsg);
  if (platformActs(spec)) {
    platform.calls.processed(entry, nowMs);
    const genuine = act(call, platform, nowMs);
    if (spec.errcode === undefined) answer = genuine;
  }
  platform.calls.ended(entry, effectOf(spec) ?? answer.outcome);

  await pause(spec.delayAfterMs ?? 0, stopping);
  deliver(response, answer.reply, spec);
}

function act(call: HttpCall, platform: Platform, nowMs: number): Answer {
  const handler = routeOf(call.path);
  if (!handler) {
    if (platform.settings.unknownPath === 'errcode') return refused(40066, call, nowMs);
    return { reply: htmlReply(404), outcome: 'http_404' };
  }
  try {
    const { body, token } = handler(call, platform, nowMs);
    return { reply: jsonReply(body, contentTypeOf(call.path), token), outcome: 'ok' };
  } catch (error) {
    if (error instanceof Refusal) return refused(error.errcode, call, nowMs);
    throw error;
  }
}

function refused(errcode: number, call: HttpCall, nowMs: number, words?: string): Answer {
  const body = { errcode, errmsg: errmsg(errcode, call, nowMs, words) };
  return { reply: jsonReply(body, contentTypeOf(call.path)), outcome: String(errcode) };
}

function deliver(response: ServerResponse, reply: HttpReply, spec: FaultSpec): void {
  switch (effectOf(spec)) {
    case 'hang':
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'dropReply':
      response.socket?.destroy();
      return;
    default:
      send(response, spoiled(reply, spec));
  }
}

/** The odd parameter name is the platform's own. */
function contentTypeOf(path: string): string {
  return path.startsWith('/sns/') ? 'text/plain' : 'application/json; encoding=utf-8';
}

/** The app that the call is about, by its query, its token or its body; null when there is no such app. */
function appIdOf({ query, body }: HttpCall, platform: Platform): string | null {
  const posted = parsed(body);
  const appId =
    query.get('appid') ??
    platform.ledger.find(query.get('access_token') ?? '')?.appId ??
    (isObject(posted) ? text(posted.appid) : '');
  return platform.account(appId)?.appId ?? null;
}
