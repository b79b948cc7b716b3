import { ManualClock } from '../../test/support/manual-clock.js';
import { Redactor } from '../core/redaction/redactor.js';
import { CertificateLog, IdentityLog } from './edge.observer.js';
import { createLogger } from './logger.js';
import { Metrics } from './metrics.js';

function fixture() {
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger('info', new Redactor(), {
    write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const metrics = new Metrics('1.2.3', new Map());
  const sampleOf = async (start: string): Promise<string | undefined> =>
    String(await metrics.render())
      .split('\n')
      .find((line) => line.startsWith(start));
  return {
    clock,
    lines,
    sampleOf,
    identities: new IdentityLog(logger, metrics.catalogue, clock),
    certificates: new CertificateLog(logger, metrics.catalogue),
  };
}

describe('the log of JWTs', () => {
  it('shows what a refused one says and what was expected, and cuts what a stranger wrote', async () => {
    const { identities, lines, sampleOf } = fixture();
    const seen = { iss: 'x'.repeat(300), aud: ['a', 'b'], exp: 5, kid: undefined };
    identities.jwtRefused({ reason: 'issuer', seen, expected: 'https://issuer.example' }, '10.0.0.9');
    expect(lines).toMatchObject([
      {
        event: 'auth.jwt_refused',
        reason: 'issuer',
        seen: { iss: `${'x'.repeat(200)}…`, aud: '["a","b"]', exp: 5 },
        expected: 'https://issuer.example',
        remote: '10.0.0.9',
      },
    ]);
    expect(lines[0]?.seen).not.toHaveProperty('kid');
    expect(await sampleOf('tokenbroker_jwt_refused_total{reason="issuer"}')).toMatch(/ 1$/);
    expect(await sampleOf('tokenbroker_jwt_refused_total{reason="expired"}')).toMatch(/ 0$/);
  });

  it('has five lines of one reason in a minute, and one that counts the others', async () => {
    const { identities, lines, clock } = fixture();
    for (let n = 0; n < 12; n += 1) identities.jwtRefused({ reason: 'expired', seen: {} }, '10.0.0.9');
    identities.jwtRefused({ reason: 'signature', seen: {} }, '10.0.0.9');
    expect(lines.map(({ reason }) => reason)).toEqual([...Array<string>(5).fill('expired'), 'signature']);
    await clock.advance(60_000);
    expect(lines.at(-1)).toMatchObject({ event: 'auth.jwt_refused', reason: 'expired', more: 7 });
  });

  it('says whether there are keys of an issuer, and so does the metric', async () => {
    const { identities, lines, sampleOf } = fixture();
    const up = 'tokenbroker_jwks_up{issuer="https://i.example"}';
    identities.keysUnavailable('https://i.example', 'connection refused', false);
    expect(await sampleOf(up)).toMatch(/ 0$/);
    identities.keysRead(
      'https://i.example',
      Array.from({ length: 12 }, (_, n) => `key-${String(n)}`),
    );
    expect(await sampleOf(up)).toMatch(/ 1$/);
    identities.keysUnavailable('https://i.example', 'connection refused', true);
    expect(lines.map(({ event, msg }) => [event, msg])).toEqual([
      ['identity.keys_unavailable', expect.stringMatching(/none of its JWTs is taken$/)],
      ['identity.keys_read', expect.any(String)],
      ['identity.keys_unavailable', expect.stringMatching(/those from before are used on$/)],
    ]);
    expect(lines[1]).toMatchObject({
      keys: 12,
      kids: Array.from({ length: 10 }, (_, n) => `key-${String(n)}`),
    });
  });
});

describe('the log of the server’s certificate', () => {
  it('names it and its end, and says when a new one is not taken', async () => {
    const { certificates, lines, sampleOf } = fixture();
    certificates.certificateUsed(Date.UTC(2026, 9, 4), Date.UTC(2027, 0, 2), 'DNS:broker.example');
    certificates.certificateUnusable('key', 'does not belong to the certificate');
    expect(lines).toMatchObject([
      {
        event: 'server.certificate_used',
        names: 'DNS:broker.example',
        not_after: '2027-01-02T00:00:00.000Z',
      },
      { event: 'server.certificate_unusable', file: 'key', error: 'does not belong to the certificate' },
    ]);
    expect(await sampleOf('tokenbroker_certificate_not_after')).toContain(
      String(Date.UTC(2027, 0, 2) / 1000),
    );
  });
});
