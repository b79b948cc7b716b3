import { execFileSync } from 'node:child_process';
import { readVersion } from './read-version.js';

it('reads the version that npm publishes', () => {
  const published: unknown = JSON.parse(execFileSync('npm', ['pkg', 'get', 'version'], { encoding: 'utf8' }));
  expect(readVersion()).toBe(published);
});
