import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ClientAccess } from './client-access.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the API key guard; absent on public routes. */
    client?: ClientAccess;
  }
}

/** The client whose key opened the route. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): ClientAccess => {
  const { client } = context.switchToHttp().getRequest<FastifyRequest>();
  if (client === undefined) throw new Error('A public route has no caller.');
  return client;
});
