import { remedyInChinese } from '../packages/console/src/i18n/remedies.zh.js';
import { explain as explainWechat } from '../src/platforms/wechat/errcodes.js';
import { explain as explainWecom } from '../src/platforms/wecom/errcodes.js';
import { remedyFor } from '../src/storage/redis/remedy-for.js';

/** At the token endpoints, and what a probe may be answered. */
const WECHAT = [
  -1, 40001, 40002, 40013, 40125, 40164, 40243, 41001, 41002, 41004, 42001, 43002, 45009, 45011, 48001, 48004,
  50002, 50004, 50007, 61024, 89501, 89503, 89506, 89507, 40014, 12345,
];
const WECOM = [
  -1, 40001, 40013, 40014, 40056, 40091, 41002, 41004, 42001, 45009, 45033, 48002, 48004, 60020, 12345,
];
const REDIS = ['ECONNREFUSED', 'WRONGPASS', 'NOPERM', 'self-signed certificate', 'MOVED', 'READONLY', 'OOM'];

describe('what to do, in the Chinese console', () => {
  it.each(WECHAT)('is said in Chinese for errcode %d of WeChat', (errcode) => {
    expect(remedyInChinese('wechat', errcode, explainWechat(errcode).remedy)).toMatch(/[\u4e00-\u9fff]/u);
  });

  it.each(WECOM)('is said in Chinese for errcode %d of WeCom', (errcode) => {
    expect(remedyInChinese('wecom', errcode, explainWecom(errcode).remedy)).toMatch(/[\u4e00-\u9fff]/u);
  });

  it.each(REDIS)('is said in Chinese for %s of Redis', (message) => {
    expect(remedyInChinese(null, null, remedyFor(message))).toMatch(/[\u4e00-\u9fff]/u);
  });

  it('is what the broker says where there is no translation', () => {
    expect(remedyInChinese('toy', 7, 'Wind it up.')).toBe('Wind it up.');
  });
});
