import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { tempFile } from '../../test/support/temp-file.js';
import { Redactor } from '../core/redaction/redactor.js';
import { AuditFile } from './audit-log.js';
import { createLogger } from './logger.js';

function fixtureOf(path: string) {
  const logged: Record<string, unknown>[] = [];
  const fallen: string[] = [];
  const logger = createLogger('info', new Redactor(), {
    write: (line) => logged.push(JSON.parse(line) as Record<string, unknown>),
  });
  const file = new AuditFile(path, logger, { write: (line) => fallen.push(line) });
  return { file, logged, fallen };
}

describe('the file of the audit stream', () => {
  it('is appended to, and nobody else may read one that it made', () => {
    const old = tempFile('old\n');
    const made = `${old}.new`;
    const appended = fixtureOf(old);
    const fresh = fixtureOf(made);
    appended.file.write('one\n');
    appendFileSync(old, 'other\n');
    appended.file.write('two\n');
    fresh.file.write('one\n');
    expect(readFileSync(old, 'utf8')).toBe('old\none\nother\ntwo\n');
    expect(statSync(made).mode & 0o777).toBe(0o600);
    expect([...appended.logged, ...appended.fallen]).toEqual([]);
  });

  it('is closed to others when it was there, open to them', () => {
    const path = tempFile('old\n');
    chmodSync(path, 0o666);
    fixtureOf(path).file.write('one\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe('old\none\n');
  });

  it('is no symbolic link, whatever that leads to', () => {
    const target = tempFile('precious\n');
    const link = `${target}.link`;
    symlinkSync(target, link);
    expect(() => fixtureOf(link)).toThrow(
      `audit.destination: ${link} cannot be opened (ELOOP): it is a symbolic link; name the file itself, or stdout or stderr for those`,
    );
    symlinkSync(`${target}.not-there`, `${link}2`);
    expect(() => fixtureOf(`${link}2`)).toThrow('ELOOP');
    expect(readFileSync(target, 'utf8')).toBe('precious\n');
  });

  it('stops the start when it cannot be opened, and says which key names it and what to do', () => {
    expect(() => fixtureOf('/no/such/folder/audit.log')).toThrow(
      "audit.destination: /no/such/folder/audit.log cannot be opened (ENOENT): make its folder, and let the broker's user write there",
    );
    expect(() => fixtureOf(dirname(tempFile('')))).toThrow('(EISDIR): it is a folder');
    const pipe = `${tempFile('')}.pipe`;
    execFileSync('mkfifo', [pipe]);
    expect(() => fixtureOf(pipe)).toThrow('(ENXIO): it is a pipe that nobody reads');
  });

  it('loses no line while the disk is full, and says so once', () => {
    const { file, logged, fallen } = fixtureOf('/dev/full');
    file.write('one\n');
    file.write('two\n');
    expect(fallen).toEqual(['one\n', 'two\n']);
    expect(logged).toEqual([
      expect.objectContaining({ level: 'error', event: 'audit.unwritable', code: 'ENOSPC' }),
    ]);
  });
});
