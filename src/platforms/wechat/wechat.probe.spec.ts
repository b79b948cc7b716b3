import { ScriptedPlatform } from '../../../test/support/scripted-platform.js';
import type { Deadline } from '../../core/ports/token-issuer.js';
import { PlatformApi } from '../http/platform-api.js';
import { WechatIssuer } from './wechat.issuer.js';

const TOKEN = '83_AbC+dEf/GhI=jKl-MnO_pQr';

const deadlineIn = (timeoutMs: number): Deadline => ({ signal: AbortSignal.timeout(timeoutMs), timeoutMs });

let platform: ScriptedPlatform;
beforeAll(async () => {
  platform = await ScriptedPlatform.start();
});
afterAll(() => {
  platform.close();
});

describe('WechatIssuer.probe', () => {
  const probe = (timeoutMs = 5000, apiBaseUrl = platform.url) =>
    new WechatIssuer({ grant: 'stable', api: new PlatformApi(apiBaseUrl) }).probe(
      TOKEN,
      deadlineIn(timeoutMs),
    );

  it.each([
    ['{"ip_list":["101.226.103.0"]}', 'accepted'],
    ['{"ip_list":[]}', 'accepted'],
    ['{"errcode":0,"errmsg":"ok"}', 'accepted'],
    ['{"errcode":48001,"errmsg":"api unauthorized rid: 1-2-3"}', 'accepted'],
    ['{"errcode":40001}', 'rejected'],
    ['{"errcode":42001}', 'rejected'],
    ['{"errcode":40014}', 'rejected'],
    ['{"errcode":-1}', 'no_answer'],
    ['{"errcode":45009}', 'no_answer'],
    ['{"errcode":45011}', 'no_answer'],
    ['{"errcode":40164}', 'no_answer'],
    ['{"errcode":12345}', 'no_answer'],
    ['{"errcode":"40001"}', 'rejected'],
    ['{"errcode":"0","ip_list":[]}', 'accepted'],
    ['{"errcode":null,"ip_list":[]}', 'no_answer'],
    ['{}', 'no_answer'],
    ['[]', 'no_answer'],
    ['null', 'no_answer'],
    ['', 'no_answer'],
    ['<html></html>', 'no_answer'],
  ])('takes %s for: %s', async (body, outcome) => {
    platform.answerWith(body);
    expect(await probe()).toMatchObject({ outcome });
    expect(platform.calls).toEqual([
      `GET /cgi-bin/get_api_domain_ip?${new URLSearchParams({ access_token: TOKEN }).toString()}`,
    ]);
  });

  it('learns nothing from a gateway, a time-out or a closed port', async () => {
    platform.answerWith({ status: 502, body: '{"errcode":40001}' });
    expect(await probe()).toMatchObject({ outcome: 'no_answer', fault: 'http_5xx' });
    platform.answerWith('silence');
    expect(await probe(50)).toMatchObject({ outcome: 'no_answer', fault: 'answer_timeout' });
    expect(await probe(2000, 'http://127.0.0.1:1')).toMatchObject({ outcome: 'no_answer', fault: 'refused' });
  });

  it.each([
    ['{"ok":true}', 'answer_unexpected'],
    ['OK', 'answer_not_json'],
    ['<html></html>', 'answer_html'],
  ])('tells what came in place of an answer: %s', async (body, fault) => {
    platform.answerWith(body);
    expect(await probe()).toMatchObject({ outcome: 'no_answer', fault });
  });

  it('says why, in words that WeChat is known to use', async () => {
    platform.answerWith('{"errcode":42001,"errmsg":"access_token expired"}');
    expect(await probe()).toEqual({ outcome: 'rejected', errcode: 42001, message: 'access_token expired' });
    platform.answerWith(`{"errcode":40014,"errmsg":"no good: ${TOKEN}"}`);
    expect(await probe()).toEqual({ outcome: 'rejected', errcode: 40014, message: '' });
    platform.answerWith('{"errcode":48001,"errmsg":"api unauthorized"}');
    expect(await probe()).toEqual({ outcome: 'accepted' });
  });
});
