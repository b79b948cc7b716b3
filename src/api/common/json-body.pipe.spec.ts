import fc from 'fast-check';
import { parseJson } from './json-body.pipe.js';

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('parseJson', () => {
  it('gives what JSON.parse gives, for all that is JSON without a key twice', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parseJson(text)).toEqual({ value: JSON.parse(text) as unknown });
      }),
    );
  });

  it('never throws, and refuses all that is no JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        expect('value' in parseJson(text)).toBe(isJson);
      }),
    );
  });

  it.each([
    ['{"a":1,"a":1}'],
    ['{"a":1,"b":{"c":[{"d":1, "d" :2}]}}'],
    [String.raw`{"app":1,"\u0061pp":2}`],
    [String.raw`{"\"":1,"\u0022":2}`],
    ['{"a":{},"a":{}}'],
  ])('refuses a key twice: %s', (text) => {
    expect(parseJson(text)).toEqual({ fault: 'The body has an object with the same key twice.' });
  });

  it.each([['[{"a":1},{"a":1}]'], ['{"a":{"a":{"a":1}}}'], [String.raw`{"a":"\",\"a\":1","b":"{\"b\":1}"}`]])(
    'takes keys that are alike only in different objects, or in texts: %s',
    (text) => {
      expect(parseJson(text)).toEqual({ value: JSON.parse(text) as unknown });
    },
  );

  it('refuses what is nested too deep before anything looks into it', () => {
    expect('value' in parseJson(nested(20))).toBe(true);
    for (const depth of [21, 8000]) {
      expect(parseJson(nested(depth))).toEqual({ fault: 'The body is nested more than 20 deep.' });
    }
    expect(parseJson('{"a":'.repeat(3000))).toEqual({ fault: 'The body is nested more than 20 deep.' });
  });
});
