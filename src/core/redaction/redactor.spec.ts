import fc from 'fast-check';
import { Redactor } from './redactor.js';

/** As nearly all tokens and secrets are. */
const plainText = (maxLength: number) => fc.stringMatching(new RegExp(`^[\\w.-]{8,${String(maxLength)}}$`));
const secretText = fc.oneof(fc.string({ unit: 'binary-ascii', minLength: 8, maxLength: 64 }), plainText(64));

function redactorOf(secret: string): Redactor {
  const redactor = new Redactor();
  redactor.add(secret);
  return redactor;
}

describe('Redactor', () => {
  it('hides a secret as it is, URL-encoded and in JSON', () => {
    fc.assert(
      fc.property(secretText, fc.string(), fc.string(), (secret, before, after) => {
        const redactor = redactorOf(secret);
        for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
          expect(redactor.redact(`${before}${form}${after}`)).toContain('[redacted]');
        }
        expect(redactor.redact(` ${secret} `)).toBe(' [redacted] ');
      }),
    );
  });

  it('hides it in base64, wherever it stands in what was encoded', () => {
    fc.assert(
      fc.property(fc.oneof(secretText, plainText(600)), fc.string(), fc.string(), (secret, before, after) => {
        for (const encoding of ['base64', 'base64url'] as const) {
          const encoded = Buffer.from(`${before}${secret}${after}`).toString(encoding);
          expect(redactorOf(secret).redact(encoded)).toContain('[redacted]');
        }
      }),
    );
  });

  it('hides a configured secret in the other case, in hex and in character references', () => {
    fc.assert(
      fc.property(secretText, (secret) => {
        const redactor = redactorOf(secret);
        const hex = Buffer.from(secret).toString('hex');
        const references = (show: (code: number) => string): string =>
          Array.from(secret, (character) => show(character.charCodeAt(0))).join('');
        const forms = [
          secret.toUpperCase(),
          secret.toLowerCase(),
          hex,
          hex.toUpperCase(),
          hex.replace(/../g, '%$&'),
          references((code) => `&#${code};`),
          references((code) => `&#x${code.toString(16)};`),
        ];
        for (const form of forms) expect(redactor.redact(`<${form}>`)).toContain('[redacted]');
        redactor.forget(secret);
        expect(redactor.redact(hex)).toBe(hex);
      }),
    );
  });

  it('hides what looks like a token of a platform or an API key without being told', () => {
    const token = `83_${'aB-_9'.repeat(30)}`;
    const key = `tbk_${'x'.repeat(43)}`;
    const redactor = new Redactor([/\b\d+_[A-Za-z0-9_-]{100,}/]);
    expect(redactor.redact(`token=${token}&key=${key}`)).toBe('token=[redacted]&key=[redacted]');
  });

  it('hides all of a secret that begins as another one ends, or has it inside', () => {
    const redactor = redactorOf('0123456789');
    for (const secret of ['56789abcdefgh', 'xx0123456789yy']) redactor.add(secret);
    expect(redactor.redact('-0123456789abcdefgh-')).toBe('-[redacted]-');
    expect(redactor.redact('-xx0123456789yy-0123456789-')).toBe('-[redacted]-[redacted]-');
    redactor.forget('xx0123456789yy');
    expect(redactor.redact('-xx0123456789yy-')).toBe('-xx[redacted]yy-');
  });

  it('takes no longer for many secrets that begin alike, as JWTs do', () => {
    const redactor = new Redactor();
    const secrets = Array.from(
      { length: 20_000 },
      (_, index) => `eyJhbGciOiJSUzI1NiJ9.${index}.${'s'.repeat(60)}${index}`,
    );
    const before = process.cpuUsage();
    for (const secret of secrets) redactor.add(secret);
    expect(secrets.filter((secret) => redactor.redact(`a ${secret} b`) !== 'a [redacted] b')).toEqual([]);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(10_000);
  });

  it('leaves everything else alone', () => {
    const line = '{"event":"token.rotated","app":"shop","generation":1795250000123}';
    expect(redactorOf('0123456789abcdef0123456789abcdef').redact(line)).toBe(line);
    expect(redactorOf('short').redact('short')).toBe('short');
  });
});
