import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { BrokerError } from '../../core/errors.js';
import type { AccessTokenSource, TokenIssuer } from '../../core/ports/token-issuer.js';
import { Egress } from '../http/egress.js';
import { WechatSection } from './wechat.section.js';
import { wechat } from './wechat.platform.js';

const FIRST = '83_first-token-0123456789';
const SECOND = '83_second-token-0123456789';
const TICKET = 'bxLdikRXVbTPdHSM05e5u5sUoXNKd8-41ZO3MhKoyN5OfkWITDGgnr2fwJ0m9E8NYzWKVZvdVtaUgWvsdshFKA';
const SUCCESS = { errcode: 0, errmsg: 'ok', ticket: TICKET, expires_in: 7200 };
const ISSUED = { kind: 'issued', value: TICKET, expiresInSeconds: 7200 };
const NOBODY = { app: 'shop/jsapi', appId: 'wx0123', appSecret: '' };

function ticketIssuer(apiBaseUrl: string, source: AccessTokenSource): TokenIssuer {
  const app = Object.assign(new WechatSection(), { appId: 'wx0123', apiBaseUrl });
  const jsapi = wechat.credentials(app).find(({ id }) => id === 'jsapi');
  if (!jsapi) throw new Error('WeChat has a JS-SDK ticket');
  return jsapi.issuer({ egress: new Egress(), source });
}

describe('TicketIssuer', () => {
  /** What the platform answers to each token; none: nothing at all. */
  let answers: Record<string, object>;
  let seen: string[];
  let replaced: string[];
  let current: () => Promise<string>;
  let replace: () => Promise<string>;
  let server: http.Server;

  beforeAll(async () => {
    server = http.createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://platform');
      const token = searchParams.get('access_token') ?? '';
      seen.push(`${request.method ?? ''} ${pathname} ${String(searchParams.get('type'))} ${token}`);
      const answer = answers[token];
      if (answer) response.end(JSON.stringify(answer));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  beforeEach(() => {
    answers = { [FIRST]: SUCCESS, [SECOND]: SUCCESS };
    seen = [];
    replaced = [];
    current = () => Promise.resolve(FIRST);
    replace = () => Promise.resolve(SECOND);
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const issue = (timeoutMs = 2000, port = (server.address() as AddressInfo).port) =>
    ticketIssuer(`http://127.0.0.1:${String(port)}`, {
      current: () => current(),
      replace: (token, errcode) => {
        replaced.push(`${token} ${String(errcode)}`);
        return replace();
      },
    }).issue(NOBODY, { signal: AbortSignal.timeout(timeoutMs), timeoutMs }, { forceNew: false });

  it('asks with the current access token', async () => {
    expect(await issue()).toEqual(ISSUED);
    expect(seen).toEqual([`GET /cgi-bin/ticket/getticket jsapi ${FIRST}`]);
  });

  it.each([40001, 40014, 42001])(
    'has a token that is refused with %i replaced, and asks again',
    async (errcode) => {
      answers[FIRST] = { errcode, errmsg: 'dead' };
      expect(await issue()).toEqual(ISSUED);
      expect(replaced).toEqual([`${FIRST} ${String(errcode)}`]);
      expect(seen).toHaveLength(2);
    },
  );

  it('blames no network for want of an access token', async () => {
    answers = { [FIRST]: { errcode: 40001 }, [SECOND]: { errcode: 42001 } };
    const outcome = await issue();
    const issuer = ticketIssuer('', { current, replace });
    const remedyOf = (message: string) => issuer.explainSilence?.(message, null);
    expect('cause' in outcome && remedyOf(outcome.cause.message)).toContain("the app's own state");
    expect(remedyOf('No connection to the platform: ECONNREFUSED.')).toBeNull();
  });

  it('asks no third time', async () => {
    answers = { [FIRST]: { errcode: 40001 }, [SECOND]: { errcode: 42001 } };
    expect(await issue()).toMatchObject({
      kind: 'not_sent',
      cause: { message: 'No ticket without an access token: the access token was refused with 42001' },
    });
    expect(seen).toHaveLength(2);
  });

  it('does not ask again with the token that was just refused', async () => {
    answers[FIRST] = { errcode: 40001 };
    replace = () => Promise.resolve(FIRST);
    expect(await issue()).toMatchObject({ kind: 'not_sent' });
    expect(seen).toHaveLength(1);
  });

  it('sends nothing without a token, and says why there is none', async () => {
    current = () => Promise.reject(new BrokerError('no_token_yet', 'No token yet: 40164.'));
    expect(await issue()).toMatchObject({
      kind: 'not_sent',
      cause: { message: 'No ticket without an access token: No token yet: 40164.' },
    });
    expect(seen).toEqual([]);
  });

  it('waits for a token no longer than it may', async () => {
    answers[FIRST] = { errcode: 40001 };
    replace = () => new Promise(() => undefined);
    expect(await issue(200)).toMatchObject({
      kind: 'not_sent',
      cause: { message: expect.stringContaining('deadline of 200 ms') as string },
    });
    current = replace;
    expect(await issue(50)).toMatchObject({ kind: 'not_sent' });
  });

  it('hands on what else the platform says', async () => {
    answers[FIRST] = { errcode: 48001, errmsg: 'api unauthorized' };
    expect(await issue()).toEqual({ kind: 'refused', errcode: 48001, message: 'api unauthorized' });
    answers[FIRST] = { access_token: TICKET, expires_in: 7200 };
    expect(await issue()).toMatchObject({ kind: 'unknown' });
    answers = {};
    expect(await issue(50)).toMatchObject({ kind: 'unknown' });
    expect(await issue(2000, 1)).toMatchObject({ kind: 'not_sent' });
    expect(replaced).toEqual([]);
  });

  it('blames no AppSecret, and has no way to try a ticket', async () => {
    const issuer = ticketIssuer('', { current, replace });
    expect(issuer.explain(40001)).toMatchObject({ secretRejected: false });
    expect(issuer.explain(45011)).toMatchObject({ class: 'minute_quota' });
    expect('probe' in issuer).toBe(false);
    expect(issuer.rule).toMatchObject({ previous: 'stays_valid', renewsOnFetch: true });
  });
});
