import { rfc3339, rfc3339OrNull } from './schema.js';
import fc from 'fast-check';

describe('rfc3339', () => {
  it('writes milliseconds since the Unix epoch in UTC', () => {
    expect(rfc3339(Date.UTC(2026, 10, 21, 10))).toBe('2026-11-21T10:00:00.000Z');
    expect([rfc3339OrNull(0), rfc3339OrNull(null)]).toEqual(['1970-01-01T00:00:00.000Z', null]);
  });

  it('never throws, and always writes a date of RFC 3339, whatever a store had as the time', () => {
    const anything = fc.oneof(
      fc.double(),
      fc.maxSafeInteger(),
      fc.constantFrom(NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER, 8.64e15 + 1),
    );
    fc.assert(
      fc.property(anything, (epochMs) => {
        expect(rfc3339(epochMs)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      }),
    );
  });
});
