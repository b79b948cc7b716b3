import fc from 'fast-check';
import type { HistoryEvent } from '../ports/history.js';
import { historyEvent } from '../ports/history.contract.js';
import { MAX_HOST, MAX_HOSTS, MAX_HOST_TEXT } from '../ports/replica-registry.js';
import { replicaReport } from '../ports/replica-registry.contract.js';
import { sumOfUse } from './app-use.js';
import { readHistoryEvent, readReplica, storedEvent } from './read-stored.js';

const NO_OBJECTS: readonly unknown[] = ['', '{', '[]', 'null', '7', null, undefined, 7, []];

describe('an event of the history out of a store', () => {
  const event: HistoryEvent = historyEvent(1_700_000_000_000);

  it('is what was stored, with what was left out as null', () => {
    expect(storedEvent(event)).not.toContain('null');
    expect(readHistoryEvent(storedEvent(event))).toEqual(event);
  });

  it('is none where it lacks what it is known by', () => {
    const wrong = [
      ...NO_OBJECTS,
      ...(['id', 'app', 'replica', 'kind', 'atMs'] as const).flatMap((field) => [
        { ...event, [field]: undefined },
        { ...event, [field]: [] },
      ]),
      { ...event, id: '' },
      { ...event, app: 'a'.repeat(2001) },
      { ...event, kind: 'nothing' },
      { ...event, atMs: -1 },
      { ...event, atMs: 2 ** 53 },
    ];
    expect(wrong.filter((stored) => readHistoryEvent(stored) !== null)).toEqual([]);
  });

  it('has null for each field that cannot be right', () => {
    const wrong = {
      generation: '7',
      fingerprint: 7,
      reason: '',
      caller: {},
      result: [],
      errcode: 'no code!',
      message: 'm'.repeat(2001),
      remedy: true,
      durationMs: -1,
    };
    const nulls = Object.fromEntries(Object.keys(wrong).map((field) => [field, null]));
    expect(readHistoryEvent({ ...event, ...wrong })).toEqual({ ...event, ...nulls });
  });

  it('has all of its fields or is none, whatever is stored', () => {
    const field = fc.constantFrom(...Object.keys(event));
    fc.assert(
      fc.property(fc.dictionary(field, fc.jsonValue({ maxDepth: 1 })), (fields) => {
        const read = readHistoryEvent(JSON.stringify({ ...event, ...fields }));
        expect(read && Object.keys(read)).toEqual(read && Object.keys(event));
      }),
      { numRuns: 100 },
    );
  });
});

describe('what a replica told of itself, out of a store', () => {
  const report = { ...replicaReport('a'), lagMs: 12, configSha256: 'ab'.repeat(32), digest: 7 };

  it('is what it told', () => {
    expect(readReplica(JSON.stringify(report))).toEqual(report);
  });

  it('is nothing where it lacks what it is known by', () => {
    const wrong = [
      ...NO_OBJECTS,
      { ...report, id: 7 },
      { ...report, version: '' },
      { ...report, startedAtMs: 'now' },
    ];
    expect(wrong.filter((stored) => readReplica(stored) !== null)).toEqual([]);
  });

  it('has what nobody told for each field that cannot be right', () => {
    const wrong = { lagMs: -1, configSha256: 7, digest: 'x', platforms: {}, asks: 'shop', answers: [] };
    expect(readReplica({ ...report, ...wrong })).toMatchObject({
      lagMs: null,
      configSha256: null,
      digest: 0,
      platforms: [],
      asks: [],
      answers: {},
    });
  });

  it('asks for 20 apps at most, and names only those that are text', () => {
    const asks = [7, '', null, ...Array.from({ length: 30 }, (_, index) => `app-${String(index)}`)];
    expect(readReplica({ ...report, asks })?.asks).toEqual(asks.slice(3, 23));
  });

  it('has hosts within bounds', () => {
    const fault = { atMs: 5, message: 'm'.repeat(MAX_HOST_TEXT + 1), remedy: 7 };
    const platforms = [
      { host: 'api.example.com', lastAnswerAtMs: 3, failingApps: 2, fault },
      { host: 'other.example.com', lastAnswerAtMs: 'then', failingApps: -1, fault: { message: 'no time' } },
      { host: 'h'.repeat(MAX_HOST + 1) },
      { host: 7 },
      null,
      'text',
    ];
    expect(readReplica({ ...report, platforms })?.platforms).toEqual([
      {
        host: 'api.example.com',
        lastAnswerAtMs: 3,
        failingApps: 2,
        fault: { atMs: 5, message: 'm'.repeat(MAX_HOST_TEXT), remedy: null },
      },
      { host: 'other.example.com', lastAnswerAtMs: null, failingApps: 0, fault: null },
    ]);
    const many = Array.from({ length: 2 * MAX_HOSTS }, (_, index) => ({
      host: `h${String(index)}.example.com`,
    }));
    expect(readReplica({ ...report, platforms: many })?.platforms).toHaveLength(MAX_HOSTS);
  });
});

describe('the use of an app, out of what other replicas told', () => {
  const NEVER = { callers: [], login: null, gateway: null };
  const own = {
    callers: [{ client: 'orders', reads: 2, reports: 1, lastReadAtMs: 10, lastReportAtMs: null }],
    login: { total: 3, failed: 1, lastAtMs: 8 },
    gateway: null,
  };

  it('is the sum over all replicas, with the later times', () => {
    const other = {
      callers: [
        { client: 'orders', reads: 5, reports: 0, lastReadAtMs: 20, lastReportAtMs: 4 },
        { client: 'mail', reads: 1, reports: 0, lastReadAtMs: 1, lastReportAtMs: null },
      ],
      login: { total: 1, failed: 1, lastAtMs: null },
      gateway: { total: 9, failed: 0, lastAtMs: 7 },
    };
    expect(sumOfUse(own, [other])).toEqual({
      callers: [
        { client: 'orders', reads: 7, reports: 1, lastReadAtMs: 20, lastReportAtMs: 4 },
        { client: 'mail', reads: 1, reports: 0, lastReadAtMs: 1, lastReportAtMs: null },
      ],
      login: { total: 4, failed: 2, lastAtMs: 8 },
      gateway: { total: 9, failed: 0, lastAtMs: 7 },
    });
  });

  it('is the own one where others told nothing that can be read', () => {
    const callers = [{ client: 7 }, { client: 'c'.repeat(101) }, null, 'orders'];
    expect(sumOfUse(own, [...NO_OBJECTS, { callers: 7, login: 7 }, { callers }])).toEqual(own);
    expect(sumOfUse(NEVER, [])).toEqual(NEVER);
  });

  it('counts 0 for numbers that cannot be right', () => {
    const caller = { client: 'mail', reads: -1, reports: 'x', lastReadAtMs: {}, lastReportAtMs: NaN };
    const counts = { total: Infinity, failed: null, lastAtMs: 'then' };
    expect(sumOfUse(NEVER, [{ callers: [caller], login: counts }])).toEqual({
      callers: [{ client: 'mail', reads: 0, reports: 0, lastReadAtMs: null, lastReportAtMs: null }],
      login: { total: 0, failed: 0, lastAtMs: null },
      gateway: null,
    });
  });

  it('has 1,000 callers at most', () => {
    const callers = Array.from({ length: 800 }, (_, index) => ({ client: `c${String(index)}` }));
    const others = [{ callers }, { callers: callers.map(({ client }) => ({ client: `other-${client}` })) }];
    expect(sumOfUse(NEVER, others).callers).toHaveLength(1000);
  });
});
