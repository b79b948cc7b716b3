import { freePort } from './free-port.js';

it('gives no port twice, also to those who ask at the same time', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
  expect(new Set(ports).size).toBe(50);
});

it('says so when all are taken, or when it cannot be told', async () => {
  await expect(freePort(async () => false)).rejects.toThrow(/^All ports from \d+ to \d+ are taken$/);
  await expect(freePort(() => Promise.reject(new Error('EMFILE')))).rejects.toThrow('EMFILE');
});
