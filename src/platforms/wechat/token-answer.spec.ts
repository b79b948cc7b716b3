import { inspect } from 'node:util';
import fc from 'fast-check';
import { readTokenAnswer } from './wechat.issuer.js';

const SECRET = '0123456789abcdef0123456789abcdef';
const TOKEN = '83_AbCdEf-GhIjKl_MnOpQr';

const read = (answer: unknown) => readTokenAnswer(JSON.stringify(answer), SECRET);

describe('readTokenAnswer', () => {
  it.each([
    ['as documented', `{"access_token":"${TOKEN}","expires_in":7200}`, 7200],
    ['with errcode 0', `{"errcode":0,"errmsg":"ok","access_token":"${TOKEN}","expires_in":1}`, 1],
    [
      'with a byte order mark and blanks',
      `\uFEFF \r\n{"access_token":"${TOKEN}","expires_in":7200}\n `,
      7200,
    ],
    ['for 30 days', `{"access_token":"${TOKEN}","expires_in":2592000}`, 2_592_000],
    ['with an integer written as 7.2e3', `{"access_token":"${TOKEN}","expires_in":7.2e3}`, 7200],
  ])('takes a token %s', (_, body, expiresInSeconds) => {
    expect(readTokenAnswer(body, SECRET)).toEqual({ kind: 'issued', value: TOKEN, expiresInSeconds });
  });

  it('takes a token of 5,000 characters and none of 5,001', () => {
    expect(read({ access_token: 'x'.repeat(5000), expires_in: 7200 }).kind).toBe('issued');
    expect(read({ access_token: 'x'.repeat(5001), expires_in: 7200 }).kind).toBe('unknown');
  });

  it.each([
    '',
    'a b',
    ' a',
    'a\n',
    'a\u0000',
    'a\u007f',
    'ä',
    '\ud800',
    42,
    null,
    true,
    ['a'],
    { a: 1 },
    undefined,
  ])('does not take %j for a token', (token) => {
    expect(read({ access_token: token, expires_in: 7200 }).kind).toBe('unknown');
  });

  it.each([0, -1, -7200, 1.5, 2_592_001, 2 ** 53, '7200 s', '7.5', '', null, true, [7200], {}, undefined])(
    'does not take %j for expires_in',
    (expiresIn) => {
      expect(read({ access_token: TOKEN, expires_in: expiresIn }).kind).toBe('unknown');
    },
  );

  it('takes digits as text for the number that they spell, as gateways write them', () => {
    expect(read({ errcode: '0', access_token: TOKEN, expires_in: '7200' })).toEqual({
      kind: 'issued',
      value: TOKEN,
      expiresInSeconds: 7200,
    });
    expect(read({ errcode: '40164', errmsg: 'x' })).toMatchObject({ kind: 'refused', errcode: 40164 });
    expect(read({ errcode: '-1', errmsg: 'x' })).toMatchObject({ kind: 'refused', errcode: -1 });
    const ticket = JSON.stringify({ errcode: '0', ticket: TOKEN, expires_in: '60' });
    expect(readTokenAnswer(ticket, SECRET, 'ticket')).toMatchObject({ kind: 'issued', expiresInSeconds: 60 });
  });

  it.each(['1e999', '-1e999', '0.0', 'NaN'])('does not take the number %s for expires_in', (number) => {
    expect(readTokenAnswer(`{"access_token":"${TOKEN}","expires_in":${number}}`, SECRET).kind).toBe(
      'unknown',
    );
  });

  it.each(['40013 x', '', null, true, 1.5, 2 ** 53, [40013], {}])(
    'does not take %j for an errcode',
    (errcode) => {
      expect(read({ errcode, errmsg: 'x' }).kind).toBe('unknown');
      expect(read({ errcode, access_token: TOKEN, expires_in: 7200 }).kind).toBe('unknown');
    },
  );

  it.each([
    ['nothing', ''],
    ['a page', '<html><body>502 Bad Gateway</body></html>'],
    ['a cut answer', `{"access_token":"${TOKEN}","expires_`],
    ['an array', `[{"access_token":"${TOKEN}","expires_in":7200}]`],
    ['a string', `"${TOKEN}"`],
    ['a number', '7200'],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['errcode 0 without a token', '{"errcode":0,"errmsg":"ok"}'],
    ['two answers', '{"errcode":40013}{"errcode":40013}'],
    ['64 KiB of brackets', '['.repeat(65_536)],
    ['64 KiB of nested objects', '{"errcode":'.repeat(5_957)],
  ])('takes %s for an unknown outcome', (_, body) => {
    expect(readTokenAnswer(body, SECRET).kind).toBe('unknown');
  });

  it.each(['[]', '"x"', '7200', 'null', ''])('says of %j that it is no object', (body) => {
    expect(readTokenAnswer(body, SECRET)).toMatchObject({
      cause: { message: "The platform's answer is not a JSON object." },
    });
  });

  it('says what is wrong, and not what the token was', () => {
    const outcome = read({ access_token: TOKEN, expires_in: 'soon' });
    expect(outcome).toMatchObject({
      kind: 'unknown',
      cause: { message: expect.stringContaining('expires_in') },
    });
    expect(inspect(outcome, { depth: 10, showHidden: true })).not.toContain(TOKEN);
    const cut = readTokenAnswer(`{"access_token":"${TOKEN}","exp`, SECRET);
    expect(inspect(cut, { depth: 10, showHidden: true })).not.toContain(TOKEN.slice(0, 6));
  });

  it.each([-1, 40013, 40164, 99999])('takes errcode %d for a refusal', (errcode) => {
    const errmsg = 'invalid appid rid: 61250a39-612fed42-36740516';
    expect(read({ errcode, errmsg })).toEqual({ kind: 'refused', errcode, message: errmsg });
  });

  it('believes an errcode rather than the token beside it', () => {
    expect(read({ errcode: 40001, access_token: TOKEN, expires_in: 7200 })).toEqual({
      kind: 'refused',
      errcode: 40001,
      message: '',
    });
  });

  describe('the message of a refusal', () => {
    const message = (errmsg: unknown, more = {}) => {
      const outcome = read({ errcode: 40125, errmsg, ...more });
      return outcome.kind === 'refused' ? outcome.message : outcome;
    };

    it.each([
      'invalid appid',
      'invalid appsecret, rid: 66b5fb8f-0e5ac3c2-6e2d5f2b',
      'invalid ip 116.25.45.231 ipv6 ::ffff:116.25.45.231, not in whitelist rid: 61250a39-612fed42-36740516',
      'invalid ip 116.25.45.231, not in whitelist',
      'invalid ip 2001:db8::7, not in whitelist',
      'system error',
    ])('is one that WeChat sends: %s', (errmsg) => {
      expect(message(errmsg)).toBe(errmsg.replace(', rid', ' rid'));
    });

    const hex = Buffer.from(SECRET).toString('hex');
    it.each([
      ['quotes the secret', `invalid appsecret ${SECRET}`],
      ['quotes it in upper case', `invalid appsecret ${SECRET.toUpperCase()}`],
      ['quotes it in hex', `invalid appsecret ${hex}`],
      [
        'quotes it in entities',
        `invalid appsecret ${Array.from(SECRET, (c) => `&#${c.charCodeAt(0)};`).join('')}`,
      ],
      ['quotes it backwards', `invalid appsecret ${Array.from(SECRET).reverse().join('')}`],
      ['quotes it as an address', `invalid ip ${SECRET}, not in whitelist`],
      ['quotes the token', `invalid credential, access_token=${TOKEN}`],
      ['has a break', 'invalid\r\nappid'],
      ['has something after it', 'invalid appid\u2028x'],
      ['is nobody knows what', '不合法的 AppID'],
      ['is long', 'x'.repeat(100_000)],
    ])('is left out when it %s', (_, errmsg) => {
      expect(message(errmsg, { access_token: TOKEN })).toBe('');
    });

    it('has no rid that is made of the secret', () => {
      const groups = [hex.slice(0, 8), hex.slice(8, 16), hex.slice(16, 24)].join('-');
      expect(message(`invalid appid rid: ${groups}`)).toBe('invalid appid');
    });

    it.each([undefined, null, 5, {}, ['x']])('is empty when errmsg is %j', (errmsg) => {
      expect(message(errmsg)).toBe('');
    });
  });

  describe('for any input', () => {
    /** Written once more and otherwise than in the code, to be compared with it. */
    const isToken = (value: unknown) =>
      typeof value === 'string' &&
      value.length >= 1 &&
      value.length <= 5000 &&
      Array.from(value).every((character) => character > ' ' && character < '\u007f');

    const isLife = (seconds: unknown) =>
      typeof seconds === 'number' && Math.floor(seconds) === seconds && seconds >= 1 && seconds <= 2_592_000;

    const oddValue = fc.oneof(
      fc.jsonValue(),
      fc.integer(),
      fc.constantFrom(0, 7200, '0', '7200', TOKEN, '', null),
    );
    const oddAnswer = fc.record(
      { access_token: oddValue, expires_in: oddValue, errcode: oddValue, errmsg: oddValue },
      { requiredKeys: [] },
    );

    it('never throws, and text that is no object is unknown', () => {
      fc.assert(
        fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
          const outcome = readTokenAnswer(text, SECRET);
          expect(['refused', 'unknown', 'issued']).toContain(outcome.kind);
          if (!text.includes('{')) expect(outcome.kind).toBe('unknown');
        }),
      );
    });

    it('issues exactly what has the shape', () => {
      fc.assert(
        fc.property(oddAnswer, (answer) => {
          const { access_token: value, expires_in: seconds, errcode } = answer;
          const isIssued =
            (errcode === undefined || errcode === 0 || errcode === '0') &&
            isToken(value) &&
            isLife(typeof seconds === 'string' && /^\d+$/.test(seconds) ? Number(seconds) : seconds);
          expect(read(answer).kind === 'issued').toBe(isIssued);
        }),
        { numRuns: 2000 },
      );
    });

    it('shows the secret nowhere, and the token only in what was issued', () => {
      const withCanary = fc.constantFrom(
        SECRET,
        TOKEN,
        `${TOKEN} `,
        `<${SECRET}>${TOKEN}`,
        [TOKEN],
        -1,
        0,
        40001,
        7200,
      );
      const answer = fc.record(
        { access_token: withCanary, expires_in: withCanary, errcode: withCanary, errmsg: withCanary },
        { requiredKeys: [] },
      );
      fc.assert(
        fc.property(answer, fc.nat(), ({ access_token: token, ...rest }, cut) => {
          const text = JSON.stringify({ access_token: token, ...rest });
          for (const body of [text, text.slice(0, cut % text.length)]) {
            const outcome = readTokenAnswer(body, SECRET);
            if (outcome.kind === 'issued') continue;
            const shown = inspect(outcome, { depth: 10, showHidden: true });
            expect(shown).not.toContain(SECRET);
            if (token === TOKEN) expect(shown).not.toContain(TOKEN);
          }
        }),
      );
    });
  });
});
