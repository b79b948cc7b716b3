import { errorCodeOf } from './error-code.js';

describe('an error code', () => {
  it.each([0, -1, 40001, 9_999_999_999, 'invalid_client', 'Forbidden.AccessDenied.QpsLimitForAppkeyAndApi'])(
    'is a number or a word: %s',
    (code) => {
      expect(errorCodeOf(code)).toBe(code);
    },
  );

  it.each([
    ['text with a space', 'call this number'],
    ['a word of more than 64 characters', 'x'.repeat(65)],
    ['an empty word', ''],
    ['a word with a control character', 'invalid\n'],
    ['a number in text', '40001'],
    ['a fraction', 1.5],
    ['a number beyond ten digits', 1e11],
    ['no number', NaN],
    ['nothing', undefined],
    ['an object', { errcode: 1 }],
  ])('is not %s', (_, value) => {
    expect(errorCodeOf(value)).toBeNull();
  });
});
