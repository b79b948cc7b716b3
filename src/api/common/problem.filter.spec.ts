import { MethodNotAllowedException } from '@nestjs/common';
import { createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { BrokerError } from '../../core/errors.js';

const SECRET = '83_a-token-that-must-not-come-back';

describe('problems', () => {
  let edge: Edge;

  beforeAll(async () => {
    edge = await createEdge();
  });
  afterAll(() => edge.app.close());
  beforeEach(() => {
    edge.logger.errors.length = 0;
  });

  const post = (payload: string, contentType?: string) =>
    edge.app.inject({
      method: 'POST',
      url: '/token/refresh',
      payload,
      headers: {
        authorization: `Bearer ${keyOf('orders')}`,
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
      },
    });
  const failing = (error: unknown) => {
    edge.broker.reportAnswer = () => {
      throw error;
    };
    return edge.send('POST', '/token/refresh', 'orders', { app: 'shop' });
  };

  it.each([
    ['malformed JSON', () => post(`{"access_token":"${SECRET}`, 'application/json'), 400, 'invalid_request'],
    [
      'a poisoned body',
      () => post('{"__proto__":{"force":true}}', 'application/json'),
      400,
      'invalid_request',
    ],
    ['a body too large', () => post(`"${'x'.repeat(16_400)}"`, 'application/json'), 413, 'payload_too_large'],
    ['a form', () => post('app=shop', 'application/x-www-form-urlencoded'), 415, 'unsupported_media_type'],
    ['plain text', () => post('{}', 'text/plain'), 415, 'unsupported_media_type'],
    ['a body of no type', () => post('{}'), 415, 'unsupported_media_type'],
    ['an unknown route', () => edge.send('GET', `/nowhere?access_token=${SECRET}`), 404, 'not_found'],
    ['an unknown method', () => edge.send('PUT', '/token', 'orders'), 405, 'method_not_allowed'],
    ['a method of another route', () => edge.send('POST', '/apps?x=1'), 405, 'method_not_allowed'],
    ['a malformed URL', () => edge.send('GET', `/%zz?access_token=${SECRET}`), 400, 'invalid_request'],
    ['what Nest refuses', () => failing(new MethodNotAllowedException(SECRET)), 405, 'method_not_allowed'],
  ])('has its own form for %s', async (_, send, status, code) => {
    const response = await send();
    expect(response.statusCode).toBe(status);
    expect(response.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    });
    const body = response.json<Record<string, unknown>>();
    expect(Object.keys(body)).toEqual(['type', 'title', 'status', 'code', 'detail']);
    expect(body).toMatchObject({ type: 'about:blank', status, code });
    expect(response.body).not.toContain(SECRET);
    expect(edge.logger.errors).toEqual([]);
  });

  it.each([
    ['an error', new Error(SECRET)],
    ['an error of some library with a status', Object.assign(new Error(SECRET), { statusCode: 502 })],
    ['something that is no error', SECRET],
  ])('says nothing of %s but in the log', async (_, error) => {
    const response = await failing(error);
    expect(response.statusCode).toBe(500);
    expect(response.headers['retry-after']).toBe('5');
    expect(response.json()).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      code: 'internal_error',
      detail: 'The broker failed at this request. Its log says why.',
      retry_after: 5,
    });
    expect(edge.logger.errors).toHaveLength(1);
    expect(edge.logger.errors[0]).toContain('POST /token/refresh');
    expect(edge.logger.errors[0]).toContain(String(response.headers['x-request-id']));
    expect(edge.logger.errors[0]).toContain(SECRET);
  });

  it('rounds Retry-After up, and never asks for an immediate retry', async () => {
    const fraction = await failing(new BrokerError('upstream_unavailable', '', { retryAfterSeconds: 1.2 }));
    const zero = await failing(new BrokerError('upstream_unavailable', '', { retryAfterSeconds: 0 }));
    expect([fraction.headers['retry-after'], zero.headers['retry-after']]).toEqual(['2', '1']);
  });

  it('leaves out the cause and the stack of a broker error', async () => {
    const response = await failing(
      new BrokerError('upstream_unavailable', 'No answer.', { cause: new Error(SECRET) }),
    );
    expect(Object.keys(response.json<object>())).toEqual([
      'type',
      'title',
      'status',
      'code',
      'detail',
      'retry_after',
    ]);
  });

  it('counts unknown routes under one name', async () => {
    edge.observer.requests.length = 0;
    await edge.send('GET', '/nowhere');
    await edge.send('GET', '/elsewhere');
    expect(edge.observer.requests).toEqual(['GET unmatched 404', 'GET unmatched 404']);
  });

  it('says which methods a path takes', async () => {
    const allowed = async (url: string) => (await edge.send('PUT', url)).headers.allow;
    expect([await allowed('/token'), await allowed('/token/refresh'), await allowed('/nowhere')]).toEqual([
      'GET',
      'POST',
      undefined,
    ]);
  });

  it.each([
    ['/login/callback/shop', 'GET'],
    ['/login/callback/sh%6fp?code=c1', 'GET'],
    ['/gateway/shop/cgi-bin/user/info', 'GET, DELETE, PATCH, PUT, POST'],
  ])('says so also for a path with parameters: %s takes %s', async (url, allow) => {
    for (const method of ['TRACE', 'QUERY'] as const) {
      const { statusCode, headers } = await edge.app.inject({ method: method as 'GET', url });
      expect({ method, statusCode, allow: headers.allow }).toEqual({ method, statusCode: 405, allow });
    }
  });

  it.each([
    ['/gateway/shop', 404],
    ['/login/callback', 404],
    ['/login/callback/%zz', 400],
  ])('says nothing of methods where there is no route: %s', async (url, status) => {
    const { statusCode, headers } = await edge.app.inject({ method: 'TRACE' as 'GET', url });
    expect([statusCode, headers.allow]).toEqual([status, undefined]);
  });
});
