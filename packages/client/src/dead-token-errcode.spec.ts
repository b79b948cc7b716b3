import axios, { AxiosError, AxiosHeaders } from 'axios';
import { DEAD_TOKEN_ERRCODES, deadTokenErrcode as find, type ErrcodeReading } from './dead-token-errcode.js';

const DEAD = { errcode: 40001, errmsg: 'invalid credential' };
const TEXT = JSON.stringify(DEAD);

const deadTokenErrcode = (outcome: unknown, errcodeOf?: ErrcodeReading['errcodeOf']) =>
  find(outcome, { deadTokenErrcodes: DEAD_TOKEN_ERRCODES, errcodeOf });

const response = (text: string, type = 'application/json; encoding=utf-8'): Response =>
  new Response(text, { headers: { 'content-type': type } });

function axiosError(data: unknown): Error {
  const config = { headers: new AxiosHeaders() };
  const answer = { data, status: 400, statusText: 'Bad Request', headers: {}, config };
  return new AxiosError('Request failed', 'ERR_BAD_REQUEST', config, null, answer);
}

/** As another library has it, which is no `Response` of this runtime. */
function foreignResponse(text: string): unknown {
  const own = response(text);
  return { headers: own.headers, body: own.body, bodyUsed: false, clone: () => own.clone() };
}

describe('the errcode of a dead token is found in', () => {
  it.each<[string, unknown]>([
    ['a parsed answer', DEAD],
    ['an answer with a number in quotes', { errcode: '40001' }],
    ['a text', TEXT],
    ['bytes', Buffer.from(TEXT)],
    ['an ArrayBuffer', new TextEncoder().encode(TEXT).buffer],
    ['a Response', response(TEXT)],
    ['a Response of type text', response(TEXT, 'text/plain')],
    ['a Response of another library', foreignResponse(TEXT)],
    ['an answer of axios', { status: 200, headers: {}, data: DEAD }],
    ['an answer of axios with bytes', { status: 200, headers: {}, data: Buffer.from(TEXT) }],
    ['an answer of got', { statusCode: 200, headers: {}, body: TEXT }],
    ['an error of axios', axiosError(DEAD)],
    ['an error with errcode', Object.assign(new Error('no'), { errcode: 40001 })],
    ['an error with errcode in quotes', Object.assign(new Error('no'), { errcode: '40001' })],
    ['an error with a code in quotes', Object.assign(new Error('no'), { code: '40001' })],
    ['an error with a code, as co-wechat-api throws', Object.assign(new Error('no'), { code: 40001 })],
    ['an error with a Response', Object.assign(new Error('no'), { response: response(TEXT) })],
    ['an error with a parsed body', Object.assign(new Error('no'), { body: DEAD })],
    ['an error with a body of text', Object.assign(new Error('no'), { code: 400, body: TEXT })],
    [
      'an error with a body next to an answer without one',
      Object.assign(new Error('no'), { response: {}, body: DEAD }),
    ],
    ['the cause of an error', new Error('no', { cause: Object.assign(new Error('no'), { errcode: 40001 }) })],
  ])('%s', async (_, outcome) => {
    expect(await deadTokenErrcode(outcome)).toBe(40001);
  });

  it('what the caller knows how to read', async () => {
    const own = (outcome: unknown) => (outcome === 'sorry' ? '42001' : undefined);
    expect(await deadTokenErrcode('sorry', own)).toBe(42001);
    expect(await deadTokenErrcode(DEAD, own)).toBe(40001);
  });

  it('an answer that what the caller gave stumbles over', async () => {
    const own = (outcome: unknown) => (outcome as { result: { code: number } }).result.code;
    expect(await deadTokenErrcode(DEAD, own)).toBe(40001);
    expect(await deadTokenErrcode(undefined, own)).toBeUndefined();
  });
});

describe('the word of a dead token is found in', () => {
  const WORD = { error: 'invalid_token', error_description: 'The token expired' };
  const challenge = 'Bearer realm="api", error="invalid_token", error_description="The token expired"';
  const headers = { 'www-authenticate': challenge };

  it.each<[string, unknown]>([
    ['a parsed answer', WORD],
    ['a text', JSON.stringify(WORD)],
    ['a Response', response(JSON.stringify(WORD))],
    ['the challenge of a Response without a body', new Response(null, { status: 401, headers })],
    ['the challenge of a Response whose body says nothing', new Response('{}', { status: 401, headers })],
    ['the challenge in an answer of axios', { status: 401, headers, data: '' }],
    ['the challenge in an answer of got', { statusCode: 401, headers, body: 'Unauthorized' }],
    ['an error of axios', axiosError(WORD)],
    ['an error with errcode', Object.assign(new Error('no'), { errcode: 'invalid_token' })],
    ['an error with a code', Object.assign(new Error('no'), { code: 'invalid_token' })],
    ['an error with a word, as OAuth 2 libraries throw', Object.assign(new Error('no'), WORD)],
  ])('%s', async (_, outcome) => {
    expect(await deadTokenErrcode(outcome)).toBe('invalid_token');
  });

  it('codes that were given, and in no others then', async () => {
    const settings = { deadTokenErrcodes: [99991663, 'token_expired'] };
    expect(await find({ errcode: 99991663 }, settings)).toBe(99991663);
    expect(await find({ error: 'token_expired' }, settings)).toBe('token_expired');
    expect(await find(DEAD, settings)).toBeUndefined();
  });
});

describe('no errcode of a dead token is found in', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['success', { errcode: 0, errmsg: 'ok' }],
    ['another error', { errcode: 48001 }],
    ['another word', { error: 'insufficient_scope' }],
    ['data of that name', { error: DEAD }],
    [
      'another challenge',
      new Response(null, { headers: { 'www-authenticate': 'Bearer realm="invalid_token"' } }),
    ],
    [
      'the challenge of another scheme',
      { headers: { 'www-authenticate': 'DPoP error="invalid_token"' }, data: '' },
    ],
    ['data that mentions one', { list: [DEAD], data: DEAD }],
    [
      'an error with another errcode',
      Object.assign(new Error('no'), { errcode: '48001', cause: axiosError(DEAD) }),
    ],
    ['an error with an empty code', Object.assign(new Error('no'), { code: '', body: '' })],
    ['a long text', TEXT.replace('}', `,"x":"${'x'.repeat(5000)}"}`)],
    ['long bytes', Buffer.alloc(5000, '{')],
    ['a text that is no JSON', '{40001'],
    ['a long Response', response(TEXT.replace('}', `,"x":"${'x'.repeat(5000)}"}`))],
    ['a picture', response(TEXT, 'image/jpeg')],
    ['a Response of an unknown kind', { clone: () => null, headers: {}, body: { getReader: () => null } }],
    ['an error without one', new Error('40001')],
    ['an error of the network', axios.AxiosError.from(new Error('reset'), 'ECONNRESET')],
  ])('%s', async (_, outcome) => {
    expect(await deadTokenErrcode(outcome)).toBeUndefined();
  });

  it('errors that cause each other', async () => {
    const error = new Error('no');
    error.cause = new Error('no', { cause: error });
    expect(await deadTokenErrcode(error)).toBeUndefined();
  });
});

it('a Response can still be read afterwards, and one that was read is left alone', async () => {
  for (const text of [TEXT, TEXT.padEnd(100_000)]) {
    const answer = response(text);
    await deadTokenErrcode(answer);
    expect(await answer.text()).toBe(text);
    expect(await deadTokenErrcode(answer)).toBeUndefined();
  }
});
