import type { ServerResponse } from 'node:http';
import { effectOf, platformActs, type FaultSpec } from './fault-spec.js';
import type { FaultQueue } from './fault-queue.js';
import { send, spoiled, type HttpReply } from './http-reply.js';
import { pause } from './time.js';
import type { HttpCall } from './read-call.js';
import type { World } from './world.js';

/** What one request meets: read once, so that a request ends in the world it began in. */
export interface Scene {
  readonly world: World;
  readonly faults: FaultQueue;
  readonly now: () => number;
}

/**
 * One request to the simulated platform, faults included. What was asked for happens at its appointed instant, whether or
 * not the caller still waits. Rejects when `stopping` aborts.
 */
export async function serveCall(
  { world, faults, now }: Scene,
  call: HttpCall,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const { method, path } = call;
  const app_id = world.appIdOf(call);
  const fault = faults.take(path, app_id);
  const spec = fault?.spec ?? {};
  const entry = world.calls.arrived({ at: now(), app_id, method, path, fault: fault?.id ?? null });
  world.arrived?.(call);

  await pause(spec.delayBeforeMs ?? world.delayMs?.(call, now()) ?? 0, stopping);
  if (spec.holdUntilReleased) await fault?.removed;
  stopping.throwIfAborted();

  const nowMs = now();
  let answer = world.refuse(call, nowMs, spec);
  if (platformActs(spec)) {
    world.calls.processed(entry, nowMs);
    const genuine = world.act(call, nowMs);
    if (spec.errcode === undefined) answer = genuine;
  }
  world.calls.ended(entry, effectOf(spec) ?? answer.outcome);

  await pause(spec.delayAfterMs ?? 0, stopping);
  deliver(response, answer.reply, spec);
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
