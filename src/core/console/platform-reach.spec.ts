import type { HostReach } from '../ports/replica-registry.js';
import { countByHost, platformsOf, toldOf } from './platform-reach.js';

const NOW_MS = 1_795_250_000_000;
const FAULT = { atMs: NOW_MS, message: 'no connection', remedy: 'Look at the way out.' };
const reach = (host: string, more: Partial<HostReach> = {}): HostReach => ({
  host,
  lastAnswerAtMs: NOW_MS - 1000,
  failingApps: 0,
  fault: null,
  ...more,
});
const shown = (apps: Record<string, number>, isAll = true) => ({
  apps: new Map(Object.entries(apps)),
  isAll,
  failing: () => 1,
});

describe('whether a platform can be reached', () => {
  it('is known from all replicas: which one cannot, and when any had an answer', () => {
    const reaches = new Map([
      ['a', [reach('api.example.com', { lastAnswerAtMs: NOW_MS - 5000 })]],
      ['b', [reach('api.example.com', { fault: FAULT, failingApps: 3, lastAnswerAtMs: NOW_MS - 9000 })]],
      ['c', [reach('else.example.com', { fault: FAULT })]],
    ]);
    expect(platformsOf(shown({ 'api.example.com': 5, 'never.example.com': 1 }), reaches, NOW_MS)).toEqual([
      {
        host: 'api.example.com',
        apps: 5,
        unreachableFrom: ['b'],
        failingApps: 3,
        message: 'no connection',
        remedy: 'Look at the way out.',
        lastAnswerAtMs: NOW_MS - 5000,
      },
      {
        host: 'never.example.com',
        apps: 1,
        unreachableFrom: [],
        failingApps: 0,
        message: null,
        remedy: null,
        lastAnswerAtMs: null,
      },
    ]);
  });

  it('has the words of the replica that answers where several cannot reach it', () => {
    const other = { ...FAULT, message: 'another way out' };
    const reaches = new Map([
      ['a', [reach('api.example.com', { fault: FAULT })]],
      ['b', [reach('api.example.com', { fault: other })]],
    ]);
    expect(platformsOf(shown({ 'api.example.com': 5 }), reaches, NOW_MS)).toMatchObject([
      { unreachableFrom: ['a', 'b'], message: 'no connection', failingApps: 1 },
    ]);
  });

  it('says nothing of how many of other clients’ apps fail, and believes no time in the future', () => {
    const told = reach('api.example.com', { fault: FAULT, failingApps: 30, lastAnswerAtMs: NOW_MS * 2 });
    const reaches = new Map([
      ['a', []],
      ['b', [told]],
    ]);
    const [some, all] = [false, true].map((isAll) =>
      platformsOf(shown({ 'api.example.com': 2 }, isAll), reaches, NOW_MS),
    );
    expect(some).toMatchObject([{ unreachableFrom: ['b'], failingApps: 0, lastAnswerAtMs: null }]);
    expect(all).toMatchObject([{ unreachableFrom: ['b'], failingApps: 2 }]);
  });

  it('is told of 20 hosts, those first that fail, in texts that are not long', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => reach(`host-${String(index)}`));
    const long = { atMs: NOW_MS, message: 'm'.repeat(5000), remedy: 'r'.repeat(5000) };
    const told = toldOf([...many, reach('down.example.com', { fault: long })]);
    expect(told).toHaveLength(20);
    expect(told[0]).toMatchObject({ host: 'down.example.com' });
    const all = toldOf(Array.from({ length: 50 }, () => reach('h'.repeat(260), { fault: long })));
    expect(JSON.stringify(all).length).toBeLessThan(35_000);
    const odd = { atMs: NOW_MS, message: '\u0001'.repeat(600), remedy: '\u0001'.repeat(600) };
    const some = toldOf(Array.from({ length: 20 }, () => reach('odd.example.com', { fault: odd })));
    expect(some.length).toBeGreaterThan(10);
    expect(JSON.stringify(some).length).toBeLessThan(90_001);
  });

  it('counts the apps of each host, and not those without', () => {
    const hosts = new Map([
      ['shop', 'api.example.com'],
      ['blog', 'api.example.com'],
    ]);
    expect([...countByHost(['shop', 'blog', 'site'], (app) => hosts.get(app) ?? null)]).toEqual([
      ['api.example.com', 2],
    ]);
  });
});
