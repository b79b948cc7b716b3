import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { OpenApi } from './openapi.js';

const { resolve } = createRequire(import.meta.url);

/** What the page loads, of the many files that come with it. */
const ASSETS = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui-standalone-preset.js': 'text/javascript; charset=utf-8',
  'favicon-16x16.png': 'image/png',
  'favicon-32x32.png': 'image/png',
};

/** Serves GET /docs and /docs/openapi.json. Call it before the app is initialized: the document is made of the routes that are added from then on. The OpenAPI machinery is only loaded here: it takes memory. */
export async function mountDocs(app: NestFastifyApplication): Promise<void> {
  const { SwaggerModule } = await import('@nestjs/swagger');
  const openApi = new OpenApi();
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRoute', (route) => {
      openApi.add(route);
    });
  serveAssets(app);
  serveDocument(app, openApi);
  SwaggerModule.setup('docs', app, () => openApi.document(), {
    raw: [],
    customSiteTitle: 'access-token-broker',
  });
}

/** Out of memory that all answers share: read from the disk for each, they take more the more strangers ask. */
function serveAssets(app: NestFastifyApplication): void {
  const assets = new Map(
    Object.entries(ASSETS).map(([name, type]) => [
      `/docs/${name}`,
      { type, content: readFileSync(resolve(`swagger-ui-dist/${name}`)) },
    ]),
  );
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    const asset = request.method === 'GET' ? assets.get(request.url) : undefined;
    if (asset) void reply.type(asset.type).send(asset.content);
    else if (request.routeOptions.url === '/docs/*') reply.callNotFound();
    else done();
  });
}

/** Written once, for the same reason: it is a hundred kilobytes. */
function serveDocument(app: NestFastifyApplication, openApi: OpenApi): void {
  let document: Buffer | undefined;
  app
    .getHttpAdapter()
    .getInstance()
    .get('/docs/openapi.json', (_request, reply) => {
      document ??= Buffer.from(JSON.stringify(openApi.document()));
      void reply.type('application/json; charset=utf-8').send(document);
    });
}
