import type { AppRow } from '../api-types.ts';
import { countByFilter, EVERYTHING, rankOf, select } from './apps-query.ts';

const row = (app: string, changes: Partial<AppRow> = {}) =>
  ({
    app,
    provider: 'wechat',
    app_id: `wx-${app}`,
    state: 'ok',
    last_error: null,
    fetches_today: 0,
    forced_today: 0,
    expires_at: null,
    next_refresh_at: null,
    disagreeing_replicas: [],
    ...changes,
  }) as unknown as AppRow;

const names = (rows: readonly AppRow[]) => rows.map(({ app }) => app);

const rows = [
  row('ant'),
  row('bee', { state: 'suspect', fetches_today: 9 }),
  row('cat', { state: 'expired', fetches_today: 3 }),
  row('dog', { disagreeing_replicas: ['two'] }),
  row('elk', {
    state: 'degraded',
    last_error: { errcode: 40164, message: 'Invalid IP', remedy: '', at: '' },
  }),
];

describe('the rows of the apps', () => {
  it('begin with the worst, equal ones by name', () => {
    expect(names(select(rows, EVERYTHING))).toEqual(['cat', 'bee', 'elk', 'dog', 'ant']);
  });

  it('are those that have the text in name, app id, platform or error, in any case', () => {
    expect(names(select(rows, { ...EVERYTHING, text: ' WX-b' }))).toEqual(['bee']);
    expect(names(select(rows, { ...EVERYTHING, text: '40164' }))).toEqual(['elk']);
    expect(names(select(rows, { ...EVERYTHING, text: 'invalid ip' }))).toEqual(['elk']);
  });

  it('are those of a state, or in any trouble', () => {
    expect(names(select(rows, { ...EVERYTHING, filter: 'trouble' }))).toEqual(['cat', 'bee', 'elk', 'dog']);
    expect(names(select(rows, { ...EVERYTHING, filter: 'disagreeing' }))).toEqual(['dog']);
    expect(countByFilter(rows)).toEqual({
      all: 5,
      trouble: 4,
      disagreeing: 1,
      ok: 2,
      suspect: 1,
      degraded: 1,
      expired: 1,
      pending: 0,
    });
  });

  it('go by a number, or by name, either way', () => {
    const sorted = (sort: 'fetches' | 'name', isDescending: boolean) =>
      names(select(rows, { ...EVERYTHING, sort, isDescending }));
    expect(sorted('fetches', true)).toEqual(['bee', 'cat', 'ant', 'dog', 'elk']);
    expect(sorted('name', true)).toEqual(['elk', 'dog', 'cat', 'bee', 'ant']);
    expect(sorted('name', false)).toEqual(['ant', 'bee', 'cat', 'dog', 'elk']);
  });

  it('rank an app without a token above one whose token may be dead', () => {
    expect(rankOf(row('a', { state: 'pending' }))).toBeLessThan(rankOf(row('b', { state: 'suspect' })));
  });
});
