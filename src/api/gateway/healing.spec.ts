import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { oauth2Api, wechatApi, wecomApi } from '../../../test/support/echoing-api.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { ScriptedPlatform, type Script } from '../../../test/support/scripted-platform.js';
import { BrokerError } from '../../core/errors.js';
import type { ReportAnswer } from '../../core/reports/token-report.js';

const MIB = 1024 * 1024;
const SEND = '/cgi-bin/message/custom/send';
const [DEAD, NEXT] = [heldToken(7, 60_000), heldToken(8, 60_000)];
const OK = '{"errcode":0}';

describe('a call whose token has died', () => {
  let platform: ScriptedPlatform;
  let edge: Edge;
  let url: string;

  beforeAll(async () => {
    platform = await ScriptedPlatform.start();
    const client = { scopes: ['gateway'], gateway: { allow: ['* /**'], maxBodyBytes: 4 * MIB } } as const;
    edge = await createEdge({
      apps: ['shop', 'staff', 'crm'],
      clients: [apiClient('calls', client)],
      gateway: {
        apps: [
          wechatApi('shop', platform.url),
          wecomApi('staff', platform.url),
          oauth2Api('crm', platform.url),
        ],
      },
    });
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
  });
  beforeEach(() => {
    const { broker, gatewayObserver } = edge;
    for (const app of broker.apps) broker.tokens.set(app, DEAD);
    broker.reportAnswer = () => ({ kind: 'answered', refreshed: true, reason: 'rotated', token: NEXT });
    broker.reports.length = 0;
    gatewayObserver.calls.length = 0;
    gatewayObserver.retries = 0;
  });
  afterAll(async () => {
    platform.close();
    await edge.app.close();
  });

  const call = async (app = 'shop', init: RequestInit = { body: '{}' }) => {
    const headers = { authorization: `Bearer ${keyOf('calls')}` };
    const answer = await fetch(`${url}/gateway/${app}${SEND}`, { method: 'POST', ...init, headers });
    return {
      status: answer.status,
      text: await answer.text(),
      generation: answer.headers.get('x-token-generation'),
      retried: answer.headers.get('x-token-retried'),
    };
  };
  const values = (...held: readonly (typeof DEAD)[]) => held.map(({ record }) => record.value);
  const outcomes = () => edge.gatewayObserver.calls.map((told) => told.split(' ').at(-1));

  it.each<[app: string, dead: Script, errcode: number]>([
    ['shop', '{"errcode":40001,"errmsg":"invalid credential"}', 40001],
    ['shop', ' {"errmsg":"", "errcode" : 40014}', 40014],
    ['shop', '{"errcode":42001}', 42001],
    ['staff', '{"errcode":42001}', 42001],
    ['staff', '{"errcode":40014}', 40014],
    ['crm', { status: 401, body: '' }, 401],
    ['crm', { status: 401, body: '{"error":"invalid_token"}' }, 401],
  ])('is reported, and sent once more with the next token: app %s, %j', async (app, dead, errcode) => {
    platform.answerWith(dead, OK);
    expect(await call(app)).toEqual({ status: 200, text: OK, generation: '8', retried: '1' });
    expect(platform.tokens).toEqual(values(DEAD, NEXT));
    const report = { caller: 'calls', generation: 7, accessToken: DEAD.record.value, force: false, errcode };
    expect(edge.broker.reports).toEqual([{ app, report }]);
    expect([edge.gatewayObserver.retries, outcomes()]).toEqual([1, ['ok']]);
  });

  it('gets the refusal of the next token too, and is sent no third time', async () => {
    platform.answerWith('{"errcode":40001}', '{"errcode":42001}', OK);
    expect(await call()).toEqual({ status: 200, text: '{"errcode":42001}', generation: '8', retried: '1' });
    expect(platform.tokens).toEqual(values(DEAD, NEXT));
    expect([edge.broker.reports.length, outcomes()]).toEqual([1, ['token_dead']]);
  });

  it.each<[why: string, reportAnswer: () => ReportAnswer]>([
    [
      'the platform still takes it',
      () => ({ kind: 'answered', refreshed: false, reason: 'still_valid', token: DEAD }),
    ],
    [
      'the budget is spent',
      () => ({ kind: 'budget_exhausted', detail: '', retryAfterSeconds: 1, token: null }),
    ],
    [
      'there is no other',
      () => {
        throw new BrokerError('upstream_unavailable', 'The platform gave no answer.');
      },
    ],
  ])('is sent once, and gets its refusal, where %s', async (_, reportAnswer) => {
    edge.broker.reportAnswer = reportAnswer;
    platform.answerWith('{"errcode":40001}', OK);
    expect(await call()).toEqual({ status: 200, text: '{"errcode":40001}', generation: '7', retried: null });
    expect(platform.tokens).toEqual(values(DEAD));
    expect(edge.gatewayObserver.retries).toBe(0);
  });

  const chunked = (text: string): RequestInit => ({ body: new Blob([text]).stream(), duplex: 'half' });
  it.each([
    ['of 1 MiB with its length', MIB, (text: string): RequestInit => ({ body: text })],
    ['of 1 MiB in chunks', MIB, chunked],
    ['of 2 MiB in chunks, from its file', 2 * MIB, chunked],
  ])('is sent again with the same body: one %s', async (_, size, bodyOf) => {
    platform.answerWith('{"errcode":40001}', OK);
    const body = 'body'.repeat(size / 4);
    expect(await call('shop', bodyOf(body))).toMatchObject({ text: OK, retried: '1' });
    expect(platform.calls.map((sent) => sent.endsWith(` ${body}`))).toEqual([true, true]);
  });

  it('with a body that was passed on without being kept is sent once, and the next call has the next token', async () => {
    platform.answerWith('{"errcode":40001}', OK);
    edge.broker.reportAnswer = () => {
      edge.broker.rotate('shop', NEXT);
      return { kind: 'answered', refreshed: true, reason: 'rotated', token: NEXT };
    };
    const body = 'body'.repeat(MIB / 2);
    expect(await call('shop', { body })).toMatchObject({ text: '{"errcode":40001}', retried: null });
    expect(await call()).toEqual({ status: 200, text: OK, generation: '8', retried: null });
    expect(platform.tokens).toEqual(values(DEAD, NEXT));
  });
});
