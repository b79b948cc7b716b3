import { cardSignature, jsapiSignature, signableUrl } from './ticket.controller.js';

/** Of WeChat's own documentation. */
const OFFICIAL = {
  ticket: 'sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg',
  nonceStr: 'Wm3WZYTPz0wzccnW',
  timestamp: 1414587457,
};

describe('jsapiSignature', () => {
  it.each([
    ['http://mp.weixin.qq.com?params=value', '0f9de62fce790f9a083d5c99e95740ceb90c27ed'],
    ['http://mp.weixin.qq.com', 'f4d90daf4b3bca3078ab155816175ba34c443a7b'],
  ])('signs %s', (url, signature) => {
    expect(jsapiSignature({ ...OFFICIAL, url: signableUrl(url) })).toBe(signature);
  });
});

describe('cardSignature', () => {
  it('signs the values in the order of their characters', () => {
    const values = [
      'ojZ8YtyVyr30HheH3CM73y7h4jJE',
      '1404896688',
      'pjZ8Yt1XGILfi-FUsewpnnolGgZk',
      '1434008071',
      '',
      '123',
    ];
    expect(cardSignature(values)).toBe('f137ab68b7f8112d20ee528ab6074564e2796250');
  });

  it('sorts capitals before small letters, as no dictionary does', () => {
    expect(cardSignature(['b', 'A', 'a', 'B'])).toBe(cardSignature(['ABab']));
  });
});

describe('signableUrl', () => {
  it.each(['https://a.example', 'HTTP://a.example:8080/p?q=1&r=%20', 'https://a.example/?u=http://b'])(
    'takes %s as it is',
    (url) => {
      expect(signableUrl(url)).toBe(url);
    },
  );

  it.each([
    '',
    'a.example/p',
    '//a.example/p',
    'ftp://a.example/p',
    'https:/a.example',
    'https://',
    'https://?q',
    'https%3A%2F%2Fa.example',
    ' https://a.example',
    'https://a.example/a b',
    'https://a.example\n',
    'javascript:alert(1)',
  ])('refuses %j, saying what to send', (url) => {
    expect(() => signableUrl(url)).toThrow(
      /url must be the whole address.*location\.href\.split\('#'\)\[0\]/,
    );
  });

  it.each(['https://a.example/#', 'https://a.example/p?q=1#/route'])('refuses the fragment of %s', (url) => {
    expect(() => signableUrl(url)).toThrow(/url has a fragment.*location\.href\.split\('#'\)\[0\]/);
  });
});
