import { ControlInputError, checkFields, isText, type FieldCheck } from './input-checks.js';
import type { SimulatedPlatform } from './simulated-platform.js';
import type { Verdict } from './token-ledger.js';
import type { TokenReport } from './token-report.js';

/** `GET /__sim/tokens`. The verdict is there when a token was named. Times are epoch ms. */
export interface OracleAnswer extends Partial<Verdict> {
  readonly now: number;
  readonly tokens: TokenReport[];
}

const isInstant: FieldCheck = (value) =>
  Number.isFinite(Number(value)) ? undefined : 'must be epoch milliseconds';

const FIELDS = { app_id: isText, family: isText, token: isText, at: isInstant };

/** `app_id` and `family` narrow the list; `token`, and `at` for another instant than now, ask about one. */
export function askOracle(simulator: SimulatedPlatform, query: URLSearchParams): OracleAnswer {
  const asked = Object.fromEntries(query);
  checkFields(asked, FIELDS);
  const { app_id: appId, family, token, at } = asked;
  const { families } = simulator;
  if (family !== undefined && families.length > 0 && !families.includes(family))
    throw new ControlInputError(`family: must be ${families.join(' or ')}`);
  if (appId !== undefined && !simulator.world.hasApp(appId))
    throw new ControlInputError('app_id: no such app');
  if (at !== undefined && token === undefined)
    throw new ControlInputError('token: is missing, at asks about one');

  const now = simulator.now();
  const tokens = simulator.tokens({ appId, family });
  if (token === undefined) return { now, tokens };
  return {
    now,
    ...simulator.verdict(token, at === undefined ? now : Number(at)),
    tokens: tokens.filter((report) => report.token === token),
  };
}
