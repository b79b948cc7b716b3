import { freePort } from './free-port.js';

it('gives no port twice, also to those who ask at the same time', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
  expect(new Set(ports).size).toBe(50);
});
