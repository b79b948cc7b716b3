import { ControlInputError } from '../control-input-error.js';
import { checkFields, isText, type FieldCheck } from '../field-checks.js';
import type { Family } from './issued-token.js';
import type { SimulatedWechat } from './simulated-wechat.js';
import type { Verdict } from './token-ledger.js';
import type { TokenReport } from './token-report.js';

/** `GET /__sim/tokens`. The verdict is there when a token was named. Times are epoch ms. */
export interface OracleAnswer extends Partial<Verdict> {
  readonly now: number;
  readonly tokens: TokenReport[];
}

const FAMILIES: readonly Family[] = ['classic', 'stable'];

const isInstant: FieldCheck = (value) =>
  Number.isFinite(Number(value)) ? undefined : 'must be epoch milliseconds';

const FIELDS = { app_id: isText, family: isText, token: isText, at: isInstant };

/** `app_id` and `family` narrow the list; `token`, and `at` for another instant than now, ask about one. */
export function askOracle(wechat: SimulatedWechat, query: URLSearchParams): OracleAnswer {
  const asked = Object.fromEntries(query);
  checkFields(asked, FIELDS);
  const { app_id: appId, token, at } = asked;
  const family = FAMILIES.find((one) => one === asked.family);
  if (asked.family !== family) throw new ControlInputError(`family: must be ${FAMILIES.join(' or ')}`);
  if (appId !== undefined && !wechat.platform.account(appId))
    throw new ControlInputError('app_id: no such app');
  if (at !== undefined && token === undefined)
    throw new ControlInputError('token: is missing, at asks about one');

  const now = wechat.settings.now();
  const tokens = wechat.tokens({ appId, family });
  if (token === undefined) return { now, tokens };
  return {
    now,
    ...wechat.verdict(token, at === undefined ? now : Number(at)),
    tokens: tokens.filter((report) => report.token === token),
  };
}
