import { TokenIndex } from './token-index.js';

describe('TokenIndex', () => {
  it('finds the app of its last two tokens, and of no others', () => {
    const index = new TokenIndex();
    for (const token of ['a', 'b', 'b', 'c']) index.add('shop', token);
    index.add('blog', 'x');
    expect(['a', 'b', 'c', 'x', ''].map((token) => index.appsOf(token))).toEqual([
      [],
      ['shop'],
      ['shop'],
      ['blog'],
      [],
    ]);
  });

  it('finds all apps that have the same token, each for as long as it has it', () => {
    const index = new TokenIndex();
    index.add('shop', 'a');
    index.add('shop-too', 'a');
    expect(index.appsOf('a')).toEqual(['shop', 'shop-too']);
    for (const token of ['b', 'c']) index.add('shop', token);
    expect(index.appsOf('a')).toEqual(['shop-too']);
  });

  it('takes a token that comes again for the newest', () => {
    const index = new TokenIndex();
    for (const token of ['a', 'b', 'a', 'c']) index.add('shop', token);
    expect(['a', 'b', 'c'].map((token) => index.appsOf(token).length)).toEqual([1, 0, 1]);
  });
});
