import { Injectable, type CanActivate, type ExecutionContext, createParamDecorator } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Authenticator } from './authenticator.js';
import type { Scope } from '../../config/client.section.js';
import type { ClientAccess } from './client-access.js';

/** Closes every controller route that is not marked `@Public()`. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride(Public, targets)) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const scope: Scope | undefined = this.reflector.getAllAndOverride(RequireScope, targets);
    this.authenticator.authenticate(request, scope);
    return true;
  }
}

/** Opens a route to requests without an API key. */
export const Public = Reflector.createDecorator<undefined, boolean>({ transform: () => true });

/** The scope that a route asks for. Without it, any known key will do. */
export const RequireScope = Reflector.createDecorator<Scope>();

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
