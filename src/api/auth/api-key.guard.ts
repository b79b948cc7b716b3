import { Injectable, type CanActivate, type ExecutionContext, createParamDecorator } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Authenticator } from './authenticator.js';
import type { ClientAccess, Identity } from './client-access.js';

/** Closes every controller route that is not declared to be public. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(private readonly authenticator: Authenticator) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { access = 'any_key', refusesBrowsers = false } = request.routeOptions.config.api ?? {};
    if (refusesBrowsers) this.authenticator.refuseBrowser(request);
    if (access !== 'public') this.authenticator.authenticate(request, access);
    return true;
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the API key guard; absent on public routes. */
    client?: ClientAccess;
    /** By what the client proved who it is; absent for a virtual token. */
    identity?: Identity;
  }
}

/** The client whose key opened the route. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): ClientAccess => {
  const { client } = context.switchToHttp().getRequest<FastifyRequest>();
  if (client === undefined) throw new Error('A public route has no caller.');
  return client;
});
