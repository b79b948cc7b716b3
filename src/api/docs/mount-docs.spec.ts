import type { OpenAPIObject } from '@nestjs/swagger';
import { createEdge } from '../../../test/support/create-edge.js';

describe('docs', () => {
  it('are not there unless they are asked for', async () => {
    const edge = await createEdge();
    const answers = [await edge.send('GET', '/docs'), await edge.send('GET', '/docs/openapi.json')];
    await edge.app.close();
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([404, 404]);
  });

  it('show the document, and the page with its scripts, without a key', async () => {
    const edge = await createEdge({ docs: true, console: true });
    const document = await edge.send('GET', '/docs/openapi.json');
    const page = await edge.send('GET', '/docs');
    const assets = Array.from(
      page.payload.matchAll(/(?:href|src)="([^"]+)"/g),
      ([, url]) => new URL(url ?? '', 'http://x/docs').pathname,
    );
    const loaded = await Promise.all(assets.map((url) => edge.send('GET', url)));
    await edge.app.close();
    expect(document.json()).toMatchObject({ openapi: '3.0.3', paths: { '/token': {} } });
    expect([page.statusCode, page.headers['content-type']]).toEqual([
      200,
      expect.stringContaining('text/html'),
    ]);
    expect(assets).toContain('/docs/swagger-ui-bundle.js');
    expect(loaded.map(({ statusCode }) => statusCode)).toEqual(assets.map(() => 200));
  });

  it('give out no other file that comes with the page', async () => {
    const edge = await createEdge({ docs: true, console: true });
    const answer = await edge.send('GET', '/docs/swagger-ui-bundle.js.map');
    await edge.app.close();
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([404, 'application/problem+json']);
  });
});

describe('the OpenAPI document', () => {
  let text: string;
  let document: OpenAPIObject;
  let schemas: Record<string, unknown>;

  beforeAll(async () => {
    const edge = await createEdge({ docs: true, console: true });
    text = (await edge.send('GET', '/docs/openapi.json')).payload;
    await edge.app.close();
    document = JSON.parse(text) as OpenAPIObject;
    schemas = document.components?.schemas ?? {};
  });

  it('describes exactly the routes that there are', async () => {
    const edge = await createEdge({ console: true });
    const fastify = edge.app.getHttpAdapter().getInstance();
    const described = Object.entries(document.paths).flatMap(([url, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${url}`),
    );
    // Those that take the rest of a path are printed in another form, and looked for above.
    const served = fastify.printRoutes({ commonPrefix: false }).replace(/^.*── \*.*$/gm, '');
    const methods = served.match(/\b(GET|POST|PUT|PATCH|DELETE)\b/g);
    const absent = described.filter((route) => {
      const [method = '', url = ''] = route.split(' ');
      return !fastify.hasRoute({ method, url: url.replace('{path}', '*').replaceAll(/\{(\w+)\}/g, ':$1') });
    });
    await edge.app.close();

    expect(absent).toEqual([]);
    expect(methods).toHaveLength(described.filter((route) => !route.endsWith('{path}')).length);
  });

  it('refers only to schemas that it has', () => {
    const named = text.matchAll(/#\/components\/schemas\/(\w+)/g);
    expect(new Set(Array.from(named, ([, name]) => name))).toEqual(new Set(Object.keys(schemas)));
  });

  it('has examples with all the fields that a schema requires', () => {
    const example = document.paths['/token']?.get?.responses['200'];
    expect(example).toMatchObject({
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Token' } } },
    });
    const { content } = example as unknown as { content: { 'application/json': { example: object } } };
    const { required } = schemas.Token as { required: string[] };
    expect(Object.keys(content['application/json'].example)).toEqual(required);
  });

  it("has the rules of a request's body", () => {
    expect(schemas.RefreshRequest).toEqual({
      type: 'object',
      additionalProperties: false,
      properties: {
        app: { type: 'string', nullable: true },
        generation: {
          type: 'integer',
          nullable: true,
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          description: 'Names the refused token.',
        },
        access_token: {
          type: 'string',
          nullable: true,
          minLength: 1,
          maxLength: 5000,
          description: 'Names it too, by value.',
        },
        errcode: {
          oneOf: [{ type: 'integer' }, { type: 'string', pattern: '^[A-Za-z][\\w.:-]{0,63}$' }],
          nullable: true,
          description: 'What the platform answered to the caller.',
        },
        force: { type: 'boolean', nullable: true, description: 'The token leaked. Needs `token:admin`.' },
      },
    });
  });

  it('says who may call a route, and what it answers to others', () => {
    const operations = ['/token', '/apps', '/metrics'].map((path) => document.paths[path]?.get);
    expect(
      operations.map((one) => [one?.description, one?.security, Object.keys(one?.responses ?? {})]),
    ).toEqual([
      ['Scope `token:read`.', undefined, ['200', '400', '401', '403', '404', '429', '500', '503']],
      [
        expect.stringMatching(/^Any key\. Never a token\. /),
        undefined,
        ['200', '400', '401', '429', '500', '503'],
      ],
      ['On `server.adminPort`, where that is configured.', [], ['200']],
    ]);
  });

  it('tells a ticket from an error of WeChat by the errcode', () => {
    expect(schemas).toMatchObject({
      WechatTicket: { properties: { errcode: { enum: [0] } } },
      WechatError: { properties: { errcode: { not: { enum: [0] } } } },
    });
  });
});
