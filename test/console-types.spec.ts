import type {
  AppDetail,
  AppList,
  AppRow,
  CallerList,
  HistoryEvent,
  HistoryPage,
  ProbeResult,
  RefreshResult,
  Session,
  SystemView,
} from '../packages/console/src/api-types.js';
import * as schemas from '../src/api/console/console.schemas.js';
import type { FromSchema } from '../src/api/common/schema.js';

type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T;
/** True where each of them is the other. */
type Same<One, Other> = [Frozen<One>] extends [Frozen<Other>]
  ? [Frozen<Other>] extends [Frozen<One>]
    ? true
    : 'the page has more'
  : 'the server has more';
type Of<Name extends keyof typeof schemas> = FromSchema<(typeof schemas)[Name]>;

/** Compiles only while each is `true`. */
const SAME: {
  readonly session: Same<Of<'sessionSchema'>, Session>;
  readonly row: Same<Of<'rowSchema'>, AppRow>;
  readonly rows: Same<Of<'rowsSchema'>, AppList>;
  readonly detail: Same<Of<'detailSchema'>, AppDetail>;
  readonly event: Same<Of<'eventSchema'>, HistoryEvent>;
  readonly history: Same<Of<'historySchema'>, HistoryPage>;
  readonly probe: Same<Of<'probeSchema'>, ProbeResult>;
  readonly forced: Same<Of<'forcedSchema'>, RefreshResult>;
  readonly callers: Same<Of<'callersSchema'>, CallerList>;
  readonly system: Same<Of<'systemSchema'>, SystemView>;
} = {
  session: true,
  row: true,
  rows: true,
  detail: true,
  event: true,
  history: true,
  probe: true,
  forced: true,
  callers: true,
  system: true,
};

describe('the types of the page', () => {
  it('are those of the answers of the server: see what compiles', () => {
    expect(Object.keys(SAME)).toHaveLength(Object.keys(schemas).length);
  });
});
