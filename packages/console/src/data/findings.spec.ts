import type { AppRow, SystemView } from '../api-types.ts';
import { findingsOf } from './findings.ts';

const row = (app: string, changes: Partial<AppRow> = {}) =>
  ({
    app,
    state: 'ok',
    suspect_reason: null,
    last_error: null,
    fetches_today: 1,
    fetch_budget: 100,
    disagreeing_replicas: [],
    ...changes,
  }) as unknown as AppRow;

const refused = (remedy: string) => ({ errcode: 40164, message: 'refused', remedy, at: '' });

const system = (changes: Partial<SystemView> = {}): SystemView => ({
  replica: 'one',
  version: '1',
  at: '2026-11-27T04:00:00Z',
  replicas: [],
  store: { kind: 'redis', ok: true, since: null, message: null, remedy: null },
  platforms: [],
  config: { loaded_at: '', sha256: 'aa', ok: true, faults: [], restart_required: [] },
  ...changes,
});

const kinds = (...args: Parameters<typeof findingsOf>) => findingsOf(...args).map(({ kind }) => kind);

describe('what is wrong', () => {
  it('is nothing where all is well', () => {
    expect(findingsOf([row('a')], system(), null)).toEqual([]);
  });

  it('begins with the lost connection, then what is bad, then what is doubtful', () => {
    const rows = [
      row('a', { state: 'degraded', last_error: refused('x') }),
      row('b', { state: 'suspect', suspect_reason: 'reported' }),
    ];
    const view = system({ store: { kind: 'redis', ok: false, since: null, message: 'gone', remedy: 'y' } });
    expect(kinds(rows, view, 1)).toEqual(['link_lost', 'store_down', 'suspect', 'app_error']);
  });

  it('names the replicas that cannot reach a platform, unless none can', () => {
    const replica = (id: string, is_gone = false) => ({ id, is_gone }) as SystemView['replicas'][number];
    const platform = (unreachable_from: string[], failing_apps: number) =>
      ({ host: 'h', ok: false, unreachable_from, failing_apps }) as SystemView['platforms'][number];
    const replicas = [replica('one'), replica('two'), replica('three', true)];
    const found = (from: string[], failing: number) =>
      findingsOf([], system({ replicas, platforms: [platform(from, failing)] }), null).find(
        ({ kind }) => kind === 'platform_down',
      );
    expect(found(['two'], 0)).toMatchObject({ severity: 'warn', from: ['two'] });
    expect(found(['one', 'two'], 3)).toMatchObject({ severity: 'bad', from: null });
  });

  it('is one for all apps with the same trouble, and bad once one of them has no token', () => {
    const rows = [
      row('a', { state: 'degraded', last_error: refused('x') }),
      row('b', { state: 'degraded', last_error: refused('x') }),
      row('c', { state: 'expired', last_error: refused('x') }),
      row('d', { state: 'degraded', last_error: refused('other') }),
    ];
    expect(
      findingsOf(rows, null, null).map((finding) => [
        finding.severity,
        'apps' in finding ? finding.apps.map(({ app }) => app) : [],
      ]),
    ).toEqual([
      ['bad', ['c']],
      ['warn', ['a', 'b']],
      ['warn', ['d']],
    ]);
  });

  it('is not said of every app again when the store is away', () => {
    const away = { errcode: null, message: 'the store does not answer', remedy: 'bring it back', at: '' };
    const view = system({
      store: { kind: 'redis', ok: false, since: null, message: 'gone', remedy: 'bring it back' },
    });
    expect(kinds([row('a', { state: 'degraded', last_error: away })], view, null)).toEqual(['store_down']);
  });

  it('names replicas that are gone, and those with another configuration', () => {
    const replica = {
      version: '1',
      started_at: '',
      seen_at: '1',
      is_gone: false,
      lag_ms: null,
      config_sha256: 'aa',
    };
    const view = system({
      replicas: [
        { ...replica, id: 'one' },
        { ...replica, id: 'two', is_gone: true, config_sha256: 'bb' },
        { ...replica, id: 'three', config_sha256: 'bb' },
      ],
    });
    expect(findingsOf([], view, null)).toMatchObject([
      { kind: 'replica_gone', replicas: ['two'] },
      { kind: 'config_differs', replicas: ['three'] },
    ]);
  });

  it('is a budget of which nine tenths are used, a faulty file, and what needs a restart', () => {
    const config = {
      loaded_at: '',
      sha256: 'aa',
      ok: false,
      faults: ['apps is missing'],
      restart_required: ['redis.url'],
    };
    expect(kinds([row('a', { fetches_today: 90 })], system({ config }), null)).toEqual([
      'config_faulty',
      'restart',
      'budget',
    ]);
  });
});
