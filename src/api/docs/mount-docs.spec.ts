import { createEdge } from '../../../test/support/create-edge.js';
import { openApiDocument } from './openapi.js';

describe('docs', () => {
  it('are not there unless they are asked for', async () => {
    const edge = await createEdge();
    const answers = [await edge.send('GET', '/docs'), await edge.send('GET', '/docs/openapi.json')];
    await edge.app.close();
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([404, 404]);
  });

  it('show the document, and the page with its scripts, without a key', async () => {
    const edge = await createEdge({ docs: true });
    const document = await edge.send('GET', '/docs/openapi.json');
    const page = await edge.send('GET', '/docs');
    const assets = Array.from(
      page.payload.matchAll(/(?:href|src)="([^"]+)"/g),
      ([, url]) => new URL(url ?? '', 'http://x/docs').pathname,
    );
    const loaded = await Promise.all(assets.map((url) => edge.send('GET', url)));
    await edge.app.close();
    expect(document.json()).toEqual(JSON.parse(JSON.stringify(openApiDocument)));
    expect([page.statusCode, page.headers['content-type']]).toEqual([
      200,
      expect.stringContaining('text/html'),
    ]);
    expect(assets).toContain('/docs/swagger-ui-bundle.js');
    expect(loaded.map(({ statusCode }) => statusCode)).toEqual(assets.map(() => 200));
  });

  it('give out no other file that comes with the page', async () => {
    const edge = await createEdge({ docs: true });
    const answer = await edge.send('GET', '/docs/swagger-ui-bundle.js.map');
    await edge.app.close();
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([404, 'application/problem+json']);
  });
});

describe('the OpenAPI document', () => {
  it('describes exactly the routes that there are', async () => {
    const edge = await createEdge();
    const fastify = edge.app.getHttpAdapter().getInstance();
    const described = Object.entries(openApiDocument.paths).flatMap(([url, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${url}`),
    );
    const served = fastify.printRoutes({ commonPrefix: false });
    const methods = served.match(/\b(GET|POST|PUT|PATCH|DELETE)\b/g);
    const absent = described.filter((route) => {
      const [method = '', url = ''] = route.split(' ');
      return !fastify.hasRoute({ method, url });
    });
    await edge.app.close();

    expect(absent).toEqual([]);
    expect(methods).toHaveLength(described.length);
  });

  it('refers only to schemas that it has', () => {
    const schemas = Object.keys(openApiDocument.components?.schemas ?? {});
    const named = JSON.stringify(openApiDocument).matchAll(/#\/components\/schemas\/(\w+)/g);
    expect(new Set(Array.from(named, ([, name]) => name))).toEqual(new Set(schemas));
  });

  it('has examples with all the fields that a schema requires', () => {
    const { schemas } = JSON.parse(JSON.stringify(openApiDocument.components)) as {
      schemas: { Token: { required: string[] } };
    };
    const example = openApiDocument.paths['/token']?.get?.responses['200'];
    const content = JSON.parse(JSON.stringify(example)) as {
      content: { 'application/json': { example: object } };
    };
    expect(Object.keys(content.content['application/json'].example)).toEqual(schemas.Token.required);
  });

  it('tells a ticket from an error of WeChat by the errcode', () => {
    const { schemas } = JSON.parse(JSON.stringify(openApiDocument.components)) as {
      schemas: Record<'WechatTicket' | 'WechatError', { properties: { errcode: object } }>;
    };
    expect(schemas.WechatTicket.properties.errcode).toMatchObject({ enum: [0] });
    expect(schemas.WechatError.properties.errcode).toMatchObject({ not: { enum: [0] } });
  });
});
