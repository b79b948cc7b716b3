import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpAnswer } from './http-client.js';

/** Asks, one request after the other with a pause between them, until the time is over; returns all answers. */
export async function poll(
  ask: () => Promise<HttpAnswer>,
  { forMs, pauseMs }: { readonly forMs: number; readonly pauseMs: number },
): Promise<HttpAnswer[]> {
  const answers: HttpAnswer[] = [];
  const deadlineMs = performance.now() + forMs;
  while (performance.now() < deadlineMs) {
    answers.push(await ask());
    await sleep(pauseMs);
  }
  return answers;
}
