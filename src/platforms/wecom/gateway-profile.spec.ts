import fc from 'fast-check';
import { gatewayProfile } from './gateway-profile.js';

describe('calls to the API of WeCom', () => {
  const profile = gatewayProfile({ apiBaseUrl: 'https://qyapi.weixin.qq.com' });
  const errcodeOf = (json: string | null, status = 200) =>
    profile.errcodeOf({ status, headers: {}, json: json === null ? null : Buffer.from(json) });

  it('have the token in the query', () => {
    expect(profile.token).toEqual({ kind: 'query', parameter: 'access_token' });
  });

  it.each([
    'gettoken',
    'corp/gettoken',
    'get_jsapi_ticket',
    'ticket/get',
    'service',
    'service/get_suite_token',
  ])('never reach /cgi-bin/%s, which gives a token or a ticket away', (path) => {
    expect(profile.ruleOf(`/cgi-bin/${path}`)).toBe('forbidden');
  });

  it.each(['user/get', 'message/send', 'servicestate/get', 'gettokens'])('reach /cgi-bin/%s', (path) => {
    expect(profile.ruleOf(`/cgi-bin/${path}`)).toBe('open');
  });

  it('are refused with the errcode of the answer, as a number or as digits, and not with 0', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1, max: 999_999 }),
        fc.boolean(),
        fc.json(),
        (errcode, isText, other) => {
          const shown = isText ? `"${errcode}"` : String(errcode);
          const answer = `{"errmsg": ${JSON.stringify(other)}, "errcode" : ${shown}}`;
          expect(errcodeOf(answer)).toBe(errcode === 0 ? null : errcode);
        },
      ),
    );
  });

  it.each([
    null,
    '',
    '{}',
    '[{"errcode":40014}]',
    '{"errcode":"expired"}',
    '{"errcode":null}',
    '{"errcode":40014',
    '{"a":{"errcode":40014}}',
  ])('are not refused with %s', (answer) => {
    expect(errcodeOf(answer)).toBeNull();
  });
});
