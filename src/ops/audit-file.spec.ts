import { appendFileSync, readFileSync, statSync } from 'node:fs';
import { tempFile } from '../../test/support/temp-file.js';
import { Redactor } from '../core/redactor.js';
import { AuditFile } from './audit-file.js';
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

  it('stops the start when it cannot be opened, and says which key names it', () => {
    expect(() => fixtureOf('/no/such/folder/audit.log')).toThrow(
      'audit.destination: the file cannot be opened (ENOENT)',
    );
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
