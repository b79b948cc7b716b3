import { Reflector } from '@nestjs/core';
import type { Scope } from './http-settings.js';

/** The scope that a route asks for. Without it, any known key will do. */
export const RequireScope = Reflector.createDecorator<Scope>();
