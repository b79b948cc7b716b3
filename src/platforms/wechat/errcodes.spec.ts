import { DEAD_TOKEN_ERRCODES, explain } from './errcodes.js';

const AT_THE_TOKEN_ENDPOINT = [
  40001, 40002, 40013, 40125, 40164, 40243, 41002, 41004, 43002, 50004, 50007, 61024, 89501, 89503, 89506,
  89507,
];
const ON_BUSINESS_CALLS = [
  40003, 40014, 40029, 40030, 40082, 40163, 41001, 42001, 42002, 42003, 42006, 42007, 42009, 45035, 48001,
  48004, 50001, 50002, 50005, 61003, 61004, 61007, 61014,
];
const KNOWN = [-1, 45009, 45011, ...AT_THE_TOKEN_ENDPOINT, ...ON_BUSINESS_CALLS];
const UNKNOWN = 12345;

describe('explain', () => {
  it.each([
    [-1, 'busy'],
    [45011, 'minute_quota'],
    [45009, 'day_quota'],
    ...AT_THE_TOKEN_ENDPOINT.map((errcode) => [errcode, 'configuration'] as const),
    [89599, 'configuration'],
    [UNKNOWN, 'configuration'],
  ] as const)('puts %d in class %s', (errcode, refusalClass) => {
    expect(explain(errcode).class).toBe(refusalClass);
  });

  it.each([...KNOWN, 89500, 89599, 89000, 89999, UNKNOWN])(
    'says of %d in one line what a person does',
    (errcode) => {
      expect(explain(errcode).remedy).toMatch(/^[A-Z].{30,199}\.$/u);
    },
  );

  it.each(KNOWN)('has words of its own for %d', (errcode) => {
    expect(explain(errcode).remedy).not.toContain('Look errcode');
  });

  it('sends the operator of 40164 to the whitelist', () => {
    expect(explain(40164).remedy).toMatch(/outgoing IP address.*IP whitelist.*mp\.weixin\.qq\.com/);
  });

  it.each([89500, 89599])('knows that %d is about the IP address', (errcode) => {
    expect(explain(errcode).remedy).toContain('until an administrator has agreed');
  });

  it('names an unknown code', () => {
    expect(explain(UNKNOWN).remedy).toContain('12345');
  });

  it('blames the AppSecret for 40001 and 40125 only', () => {
    expect([...KNOWN, UNKNOWN].filter((errcode) => explain(errcode).secretRejected)).toEqual([40001, 40125]);
  });

  it('of the known codes, promises a cure by a new token for the three that speak of a dead one', () => {
    const cured = [...KNOWN, 89500, 89999].filter((errcode) => explain(errcode).curedByNewToken !== 'no');
    expect(new Set(cured)).toEqual(DEAD_TOKEN_ERRCODES);
    expect(DEAD_TOKEN_ERRCODES).toEqual(new Set([40001, 40014, 42001]));
  });

  it.each([UNKNOWN, -2, 88999, 90000])('has the token tried for %d, which it does not know', (errcode) => {
    expect(explain(errcode).curedByNewToken).toBe('perhaps');
  });

  it('knows that 0 is no error', () => {
    expect(explain(0).curedByNewToken).toBe('no');
  });
});
