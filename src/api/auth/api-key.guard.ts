import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Gatekeeper } from './gatekeeper.js';
import type { Scope } from './http-settings.js';
import { Public } from './public.decorator.js';
import { RequireScope } from './require-scope.decorator.js';

/** Closes every controller route that is not marked `@Public()`. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly gatekeeper: Gatekeeper,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride(Public, targets)) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const scope: Scope | undefined = this.reflector.getAllAndOverride(RequireScope, targets);
    this.gatekeeper.admit(request, scope);
    return true;
  }
}
