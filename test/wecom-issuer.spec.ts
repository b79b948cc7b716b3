import { DEFAULT_AGENT, WecomSimulator, type WecomOptions } from '@access-token-broker/simulator';
import type { TokenIssuer } from '../src/core/ports/token-issuer.js';
import { Egress } from '../src/platforms/http/egress.js';
import { PlatformApi } from '../src/platforms/http/platform-api.js';
import { wecom } from '../src/platforms/wecom/wecom.platform.js';
import { WecomSection } from '../src/platforms/wecom/wecom.section.js';

let simulator: WecomSimulator | undefined;
let nowMs: number;

async function start(options: WecomOptions = {}): Promise<void> {
  nowMs = Date.parse('2026-11-27T03:00:00Z');
  simulator = new WecomSimulator({ now: () => nowMs, ...options });
  await simulator.start();
}

afterEach(() => simulator?.stop());

const deadline = (timeoutMs = 2000) => ({ signal: AbortSignal.timeout(timeoutMs), timeoutMs });

function credentials(corpId = DEFAULT_AGENT.corpId) {
  const app = Object.assign(new WecomSection(), {
    name: 'hr',
    corpId,
    agentId: 1000002,
    apiBaseUrl: simulator?.url ?? '',
  });
  return { app, specs: wecom.credentials(app) };
}

function issuer(id = 'token', token = ''): TokenIssuer {
  const source = { current: () => Promise.resolve(token), replace: () => Promise.resolve(token) };
  const spec = credentials().specs.find((one) => one.id === id);
  if (!spec) throw new Error(`no credential ${id}`);
  return spec.issuer({ egress: new Egress(), source });
}

const issue = (appSecret = DEFAULT_AGENT.corpSecret, from = issuer()) =>
  from.issue({ app: 'hr', appId: DEFAULT_AGENT.corpId, appSecret }, deadline(), { forceNew: false });

async function token(): Promise<string> {
  const outcome = await issue();
  return outcome.kind === 'issued' ? outcome.value : '';
}

describe('the issuer of WeCom', () => {
  it('fetches the same token until it has expired, and says when it returns in its last second', async () => {
    await start();
    const first = await issue();
    expect(first).toEqual({ kind: 'issued', value: expect.any(String), expiresInSeconds: 7200 });
    nowMs += 7_199_500;
    expect(await issue()).toEqual({ ...first, expiresInSeconds: 0 });
    nowMs += 500;
    expect(await token()).not.toBe(first.kind === 'issued' && first.value);
  });

  it.each([
    [40001, {}],
    [40091, { wrongSecretErrcode: 40091 as const }],
  ])('blames the Secret for %i, and shows the message without the hint', async (errcode, options) => {
    await start(options);
    const outcome = await issue('wrong-secret-0123456789');
    expect(outcome).toMatchObject({ kind: 'refused', errcode });
    expect(JSON.stringify(outcome)).toMatch(/from ip: (127\.0\.0\.1|::1)/);
    expect(JSON.stringify(outcome)).not.toContain('hint');
    expect(issuer().explain(errcode)).toMatchObject({ class: 'configuration', secretRejected: true });
  });

  it('shows no message that WeCom is not known to send: it may hold the secret', async () => {
    await start();
    simulator?.addFault({ errcode: 40035, errmsg: DEFAULT_AGENT.corpSecret });
    expect(await issue()).toMatchObject({ kind: 'refused', errcode: 40035, message: '' });
  });

  it('waits minutes when the corp is blocked, and tries again soon when WeCom is busy', async () => {
    await start({ failedFetchQuota: 1 });
    await issue('wrong-secret-0123456789');
    expect(await issue()).toMatchObject({ kind: 'refused', errcode: 45009, retryAfterMs: 300_000 });
    expect(issuer().explain(-1).class).toBe('busy');
    expect(issuer().explain(45009).class).toBe('minute_quota');
  });

  it.each([42001, 40014, 40001] as const)(
    'finds a token dead by %i, beside the data of the answer',
    async (deadTokenErrcode) => {
      await start({ deadTokenErrcode });
      const value = await token();
      expect(await issuer().probe?.(value, deadline())).toMatchObject({ outcome: 'accepted' });
      simulator?.killToken();
      expect(await issuer().probe?.(value, deadline())).toMatchObject({ outcome: 'rejected' });
      expect(issuer().explain(deadTokenErrcode).curedByNewToken).toBe('yes');
    },
  );

  it('takes an answer without errcode for a success, and an address that is not trusted for no answer', async () => {
    await start({ successWithoutErrcode: true });
    const value = await token();
    expect(await issuer().probe?.(value, deadline())).toMatchObject({ outcome: 'accepted' });
    simulator?.setTrustedIps(['10.0.0.1']);
    expect(await issuer().probe?.(value, deadline())).toMatchObject({ outcome: 'no_answer' });
    expect(issuer().explain(60020)).toMatchObject({ addressRejected: true, curedByNewToken: 'no' });
  });

  it('fetches the ticket of the corp and the one of the app, with a token of the app', async () => {
    await start();
    const value = await token();
    const [corp, app] = await Promise.all(
      ['jsapi', 'agent_config'].map((type) => issue('', issuer(type, value))),
    );
    expect(corp).toMatchObject({ kind: 'issued', expiresInSeconds: 7200 });
    expect(app).toMatchObject({ kind: 'issued', expiresInSeconds: 7200 });
    expect(corp).not.toEqual(app);
  });

  it('is found by a call without any secret', async () => {
    await start();
    expect(await wecom.ping?.(new PlatformApi(simulator?.url ?? ''), deadline())).toEqual({
      kind: 'answered',
      errcode: 41001,
    });
  });

  it('tells the apps of one corp apart by their AgentId', async () => {
    await start();
    const { app } = credentials();
    expect(app).toMatchObject({ appId: DEFAULT_AGENT.corpId, grant: 'agent-1000002' });
    const another = Object.assign(credentials().app, { agentId: '1000003' });
    expect(another.conflictWith(app, 'apps[0]')).toBeUndefined();
    expect(another.grant).toBe('agent-1000003');
    const twice = Object.assign(credentials().app, { agentId: '1000002' });
    expect(twice.conflictWith(app, 'apps[0]')).toMatchObject({ key: 'agentId' });
  });
});
