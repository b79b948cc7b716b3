import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { ReadFault } from './faults.js';
import { Secret } from './secret.js';
import type { SecretForm } from './secret-text.js';

const POLL_MS = 10;

describe('a secret', () => {
  it('hides in strings, JSON and inspection', () => {
    const secret = Secret.of('canary');
    expect(secret.value()).toBe('canary');
    expect(
      [String(secret), JSON.stringify({ secret }), inspect({ secret }, { showHidden: true })].join(),
    ).not.toContain('canary');
  });

  it('that is a literal never changes', () => {
    const stop = Secret.of('a').onChange(() => {
      throw new Error('changed');
    });
    expect(stop).not.toThrow();
  });
});

describe('a secret from a file', () => {
  let folder: string;
  let path: string;
  let secret: Secret;
  let seen: string[];
  let errors: string[];

  const follow = () =>
    secret.onChange(
      (value) => seen.push(value),
      (reason) => errors.push(reason),
      () => seen.push('as before'),
    );

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'broker-secret-'));
    path = join(folder, 'secret');
    seen = [];
    errors = [];
    writeFileSync(path, 'one\r\n');
    secret = fromFile(path);
  });

  afterEach(() => {
    secret.close();
    rmSync(folder, { recursive: true });
  });

  it('is the content without the newline at its end', () => {
    expect(secret.value()).toBe('one');
  });

  it('follows the file while somebody listens', async () => {
    follow();
    await baseline();
    writeFileSync(path, 'two\n');
    await until(() => seen.length > 0);
    expect(seen).toEqual(['two']);
    expect(secret.value()).toBe('two');
  });

  it('says when the file is there again with what it had', async () => {
    follow();
    await baseline();
    rmSync(path);
    await until(() => errors.length > 0);
    writeFileSync(path, 'one');
    await until(() => seen.length > 0);
    expect(seen).toEqual(['as before']);
  });

  it('finds a change made before anybody listened', async () => {
    writeFileSync(path, 'two');
    follow();
    await until(() => seen.length > 0);
    expect(seen).toEqual(['two']);
  });

  it('says nothing when the file is written anew with the same content', async () => {
    follow();
    await baseline();
    writeFileSync(path, 'one');
    await baseline();
    writeFileSync(path, 'three');
    await until(() => seen.length > 0);
    expect(seen).toEqual(['three']);
  });

  it('follows the swap of a symlink, as Kubernetes updates a mounted secret', async () => {
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, 'key'), version);
    }
    symlinkSync('v1', join(folder, '..data'));
    symlinkSync(join('..data', 'key'), join(folder, 'key'));
    secret = fromFile(join(folder, 'key'));
    follow();
    await baseline();

    symlinkSync('v2', join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    await until(() => seen.length > 0);
    expect(seen).toEqual(['v2']);
  });

  it('keeps what it had while the file is missing or empty, and says so without content', async () => {
    follow();
    await baseline();
    unlinkSync(path);
    await until(() => errors.length > 0);
    expect(errors[0]).toBe(`cannot read ${path}: ENOENT: no such file or directory`);
    writeFileSync(path, '\n');
    await until(() => errors.includes(`${path}: is empty`));
    expect(secret.value()).toBe('one');
    writeFileSync(path, 'two');
    await until(() => seen.length > 0);
    expect(seen).toEqual(['two']);
  });

  it('keeps what it had while the file holds what has not the form of the secret, as when it is half written', async () => {
    secret = fromFile(path, (text) => (text.length < 3 ? 'is too short' : undefined));
    follow();
    await baseline();
    writeFileSync(path, 'tw');
    await until(() => errors.length > 0);
    expect([secret.value(), errors[0]]).toEqual(['one', `${path}: is too short`]);
    writeFileSync(path, ' two\r\n');
    await until(() => seen.length > 0);
    expect(seen).toEqual(['two']);
  });

  it('may be awaited, and is there once its file is', async () => {
    rmSync(path);
    const awaited = Secret.awaitFile(path, POLL_MS, () => undefined, new ReadFault('is not there'));
    expect([awaited.fault, awaited.value()]).toEqual(['is not there', '']);
    secret = awaited;
    follow();
    await baseline();
    writeFileSync(path, 'two\n');
    await until(() => seen.length > 0);
    expect([seen, awaited.fault, awaited.value()]).toEqual([['two'], null, 'two']);
  });

  it.each<[string, (stop: () => void) => void]>([
    [
      'the listener left',
      (stop) => {
        stop();
      },
    ],
    [
      'it was closed',
      () => {
        secret.close();
      },
    ],
  ])('is left alone after %s', async (_, end) => {
    const stop = follow();
    await baseline();
    end(stop);
    writeFileSync(path, 'two');
    await baseline();
    expect([seen, secret.value()]).toEqual([[], 'one']);
  });
});

function fromFile(path: string, form: SecretForm = () => undefined): Secret {
  const secret = Secret.fromFile(path, POLL_MS, form);
  if (secret instanceof Secret) return secret;
  throw new Error(secret.text);
}

/** Long enough for the poll to have looked at the file. */
const baseline = () => new Promise((resolve) => setTimeout(resolve, 5 * POLL_MS));

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 3000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
