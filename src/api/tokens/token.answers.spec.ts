import { heldToken } from '../../../test/support/fake-broker.js';
import { TokenAnswers } from './token.route.js';

describe('TokenAnswers', () => {
  const expiresIn = ({ body }: { body: string }) => (JSON.parse(body) as { expires_in: number }).expires_in;

  it('builds an answer once for a token and a second', () => {
    const answers = new TokenAnswers();
    const shop = heldToken(7, 10_500);
    const blog = heldToken(8, 10_500);
    const first = answers.answer('shop', shop, 0);
    answers.answer('blog', blog, 0);
    expect(answers.answer('shop', shop, 500)).toBe(first);
  });

  it('builds a new one when the second is over', () => {
    const answers = new TokenAnswers();
    const shop = heldToken(7, 10_500);
    const seconds = [0, 500, 501, 1500, 1501, 10_499].map((nowMs) =>
      expiresIn(answers.answer('shop', shop, nowMs)),
    );
    expect(seconds).toEqual([10, 10, 9, 9, 8, 0]);
  });

  it('builds a new one for a new token, even with the same life', () => {
    const answers = new TokenAnswers();
    answers.answer('shop', heldToken(7, 10_500), 0);
    expect(answers.answer('shop', heldToken(8, 10_500), 0).body).toContain('83_value-8');
  });
});
