import type { ServerResponse } from 'node:http';
import { ControlInputError } from '../control-input-error.js';
import { assertFault } from '../fault-spec.js';
import { jsonReply, send } from '../http-reply.js';
import { askOracle } from './oracle-query.js';
import type { SimulatedWechat } from './simulated-wechat.js';
import { assertEvent, type SimulatorEvent } from './simulator-event.js';
import type { TokenReport } from './token-report.js';
import { isObject, parsed } from '../json.js';
import type { HttpCall } from '../read-call.js';

/** Where the control API begins. */
export const CONTROL_PREFIX = '/__sim/';

type ControlHandler = (wechat: SimulatedWechat, call: HttpCall) => object;

const FAULTS = '/__sim/faults';
const HANDLERS: Readonly<Record<string, ControlHandler>> = {
  [`POST ${FAULTS}`]: (wechat, { body }) => {
    const value = parsed(body);
    if (isObject(value) && 'kind' in value) {
      assertEvent(value);
      return { tokens: cause(wechat, value) };
    }
    assertFault(value);
    return { id: wechat.addFault(value) };
  },
  [`GET ${FAULTS}`]: (wechat) => ({ faults: wechat.faults.list() }),
  [`DELETE ${FAULTS}`]: (wechat) => {
    wechat.clearFaults();
    return {};
  },
  'GET /__sim/tokens': (wechat, { query }) => askOracle(wechat, query),
  'GET /__sim/calls': (wechat, { query }) => wechat.calls(query.get('app_id') ?? undefined),
  'POST /__sim/reset': (wechat) => {
    wechat.reset();
    return {};
  },
};

/** One request to the control API: JSON in and out, 400 naming the field for bad input. */
export function serveControl(wechat: SimulatedWechat, call: HttpCall, response: ServerResponse): void {
  const reply = (status: number, body: object) => {
    send(response, { ...jsonReply(body, 'application/json'), status });
  };
  const handler = handlerOf(call);
  if (!handler) {
    reply(404, { error: `no such control call; there is ${Object.keys(HANDLERS).join(', ')}` });
    return;
  }
  try {
    reply(200, handler(wechat, call));
  } catch (error) {
    if (!(error instanceof ControlInputError)) throw error;
    reply(400, { error: error.message });
  }
}

function handlerOf({ method, path }: HttpCall): ControlHandler | undefined {
  if (method === 'DELETE' && path.startsWith(`${FAULTS}/`)) {
    return (wechat) => {
      wechat.removeFault(path.slice(FAULTS.length + 1));
      return {};
    };
  }
  const key = `${method} ${path}`;
  return Object.hasOwn(HANDLERS, key) ? HANDLERS[key] : undefined;
}

/** The tokens that died or were minted. */
function cause(wechat: SimulatedWechat, event: SimulatorEvent): TokenReport[] {
  switch (event.kind) {
    case 'early_death':
      return wechat.killToken(event);
    case 'other_fetch':
      return [wechat.rotateByOther(event)];
    case 'reset_secret':
      wechat.resetSecret(event.appSecret, event.appId);
      return [];
    case 'set_ip_whitelist':
      wechat.setIpWhitelist(event.ips, event.appId);
      return [];
    case 'set_state':
      wechat.setState(event.state, event.appId);
      return [];
    case 'advance_day':
      wechat.advanceDay();
      return [];
  }
}
