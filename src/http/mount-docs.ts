import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { openApiDocument } from './openapi.js';

/** Serves GET /docs and /docs/openapi.json. Call it before the app listens. The OpenAPI machinery is only loaded here: it takes memory. */
export async function mountDocs(app: NestFastifyApplication): Promise<void> {
  const { SwaggerModule } = await import('@nestjs/swagger');
  SwaggerModule.setup('docs', app, openApiDocument, {
    jsonDocumentUrl: 'docs/openapi.json',
    raw: ['json'],
    customSiteTitle: openApiDocument.info.title,
  });
}
