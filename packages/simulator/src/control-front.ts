import type { ServerResponse } from 'node:http';
import { ControlInputError, isObject, parsed } from './input-checks.js';
import { jsonReply, send } from './http-reply.js';
import { askOracle } from './oracle-query.js';
import type { HttpCall } from './read-call.js';
import type { SimulatedPlatform } from './simulated-platform.js';

/** Where the control API begins. */
export const CONTROL_PREFIX = '/__sim/';

type ControlHandler = (simulator: SimulatedPlatform, call: HttpCall) => object;

const FAULTS = '/__sim/faults';
const HANDLERS: Readonly<Record<string, ControlHandler>> = {
  [`POST ${FAULTS}`]: (simulator, { body }) => {
    const value = parsed(body);
    if (isObject(value) && 'kind' in value) return { tokens: simulator.cause(value) };
    return { id: simulator.faults.add(value) };
  },
  [`GET ${FAULTS}`]: (simulator) => ({ faults: simulator.faults.list() }),
  [`DELETE ${FAULTS}`]: (simulator) => {
    simulator.clearFaults();
    return {};
  },
  'GET /__sim/tokens': (simulator, { query }) => askOracle(simulator, query),
  'GET /__sim/calls': (simulator, { query }) => simulator.calls(query.get('app_id') ?? undefined),
  'POST /__sim/reset': (simulator) => {
    simulator.reset();
    return {};
  },
};

/** One request to the control API: JSON in and out, 400 naming the field for bad input. */
export function serveControl(simulator: SimulatedPlatform, call: HttpCall, response: ServerResponse): void {
  const reply = (status: number, body: object) => {
    send(response, { ...jsonReply(body, 'application/json'), status });
  };
  const handler = handlerOf(simulator, call);
  if (!handler) {
    reply(404, {
      error: `no such control call; there is ${Object.keys({ ...HANDLERS, ...simulator.ownControlCalls }).join(', ')}`,
    });
    return;
  }
  try {
    reply(200, handler(simulator, call));
  } catch (error) {
    if (!(error instanceof ControlInputError)) throw error;
    reply(400, { error: error.message });
  }
}

function handlerOf(
  { ownControlCalls }: SimulatedPlatform,
  { method, path }: HttpCall,
): ControlHandler | undefined {
  if (method === 'DELETE' && path.startsWith(`${FAULTS}/`)) {
    return (simulator) => {
      simulator.removeFault(path.slice(FAULTS.length + 1));
      return {};
    };
  }
  const key = `${method} ${path}`;
  if (Object.hasOwn(HANDLERS, key)) return HANDLERS[key];
  const own = Object.hasOwn(ownControlCalls, key) ? ownControlCalls[key] : undefined;
  return own && ((_, { body, query }) => own(body.trim() === '' ? {} : parsed(body), query));
}
