import { setTimeout as sleep } from 'node:timers/promises';
import { TokenMemory } from './token-memory.js';

const answer = (generation: number, expiresInMs = 60_000, maxAgeMs = 60_000) => ({
  value: `value-${String(generation)}`,
  generation,
  expiresInMs,
  maxAgeMs,
});

describe('TokenMemory', () => {
  it('takes newer tokens over, and no older one while it holds one that lives', () => {
    const memory = new TokenMemory();
    const nowMs = performance.now();
    expect(memory.adopt(answer(7), nowMs)).toBe(true);
    expect(memory.adopt(answer(7), nowMs)).toBe(false);
    expect(memory.adopt(answer(6), nowMs)).toBe(false);
    expect(memory.value).toBe('value-7');
    expect(memory.adopt(answer(8), nowMs)).toBe(true);
    expect(memory.value).toBe('value-8');
    expect(memory.livingGeneration).toBe(8);
  });

  it('takes any token over when its own is dead, so that a broker that begins anew is believed', async () => {
    const memory = new TokenMemory();
    memory.adopt(answer(7, 10), performance.now());
    await sleep(20);
    expect(memory.livingGeneration).toBe(0);
    expect(memory.adopt(answer(3), performance.now())).toBe(true);
  });

  it('is fresh for as long as the broker said after it was last heard, but not beyond its life', () => {
    const memory = new TokenMemory();
    const atMs = Math.floor(performance.now());
    memory.adopt(answer(7, 100_000, 60_000), atMs);
    expect(memory.freshUntilMs).toBe(atMs + 60_000);
    memory.confirm(atMs + 15_000);
    expect(memory.freshUntilMs).toBe(atMs + 75_000);
    memory.confirm(atMs + 60_000);
    expect(memory.freshUntilMs).toBe(atMs + 100_000);
  });

  it('lives from the moment the broker was asked, whenever it is told again', () => {
    const memory = new TokenMemory();
    const atMs = Math.floor(performance.now());
    memory.adopt(answer(7, 10_000), atMs - 5000);
    memory.adopt(answer(7, 10_000), atMs);
    memory.keepToTheEnd();
    expect(memory.freshUntilMs).toBe(atMs + 5000);
  });
});
