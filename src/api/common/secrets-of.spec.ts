import fc from 'fast-check';
import type { FastifyRequest } from 'fastify';
import { createEdge } from '../../../test/support/create-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { Redactor } from '../../core/redaction/redactor.js';
import { requestContext } from '../../core/ports/events.js';
import { secretsOf } from './request-hooks.js';

const secret = fc.stringMatching(/^[A-Za-z0-9_.~+/=-]{16,128}$/);
const name = fc.constantFrom(
  'code',
  'js_code',
  'state',
  'binding',
  'session',
  'ticket',
  'secret',
  'access_token',
);

describe('what no log line of a request shows', () => {
  it('is what stands in its URL or its body under a name that opens something', () => {
    const request = {
      query: { code: 'c'.repeat(32), app: 'a'.repeat(32), state: ['s'.repeat(43), 't'.repeat(43)] },
      body: { session: 'tbs'.repeat(10), redirect_uri: 'https://a.example/back', binding: 7 },
    };
    expect(secretsOf(request as unknown as FastifyRequest)).toEqual([
      'c'.repeat(32),
      's'.repeat(43),
      't'.repeat(43),
      'tbs'.repeat(10),
    ]);
    expect(secretsOf({ body: 'a form' } as unknown as FastifyRequest)).toEqual([]);
    expect(secretsOf({ query: {}, body: null } as unknown as FastifyRequest)).toEqual([]);
  });

  it('is hidden in whatever form it stands there: as it is, URL-encoded, in JSON, in base64', () => {
    fc.assert(
      fc.property(name, secret, fc.string(), (field, value, around) => {
        const redactor = new Redactor();
        const hidden = secretsOf({ query: { [field]: value }, body: undefined } as unknown as FastifyRequest);
        for (const form of [
          value,
          encodeURIComponent(value),
          JSON.stringify(value).slice(1, -1),
          Buffer.from(value).toString('base64url'),
        ]) {
          const shown = redactor.redact(`${around}|${form}|${around}`, hidden);
          expect(shown).not.toContain(`|${form}|`);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is known while a request is worked on', async () => {
    const edge = await createEdge();
    const seen: (readonly string[] | undefined)[] = [];
    edge.broker.currentAnswer = () => {
      seen.push(requestContext.getStore()?.secrets?.());
      return heldToken(9, 7_000_500);
    };
    await edge.send('GET', `/token?app=shop&code=${'c'.repeat(32)}&state=${'s'.repeat(43)}`, 'orders');
    await edge.app.close();
    expect(seen).toEqual([['c'.repeat(32), 's'.repeat(43)]]);
  });
});
