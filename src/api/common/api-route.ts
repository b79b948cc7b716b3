import type { Type } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyContextConfig } from 'fastify';
import type { Scope } from '../../config/client.section.js';
import type { ProblemCode, ProblemHints } from './problem.js';

/** The content type of forms; the route gets one as text. Elsewhere a form is no body. */
export const FORM = 'application/x-www-form-urlencoded';

/** The scope that the caller's key must have. `public`: open also without a key in the header `Authorization`. */
export type Access = Scope | 'any_key' | 'public';

/** As OpenAPI 3.0 has it. One with a `title` stands once in the document, under that name. */
type Schema = Readonly<Record<string, unknown>>;

/** A schema, and beside it what the parameter itself says. */
type Parameters = Readonly<
  Record<string, Schema & { readonly required?: true; readonly description?: string }>
>;

interface Content {
  readonly schema: Schema;
  readonly example?: unknown;
  /** Left out: JSON. */
  readonly type?: string;
}

/** An error: its `code`, an example of its text, and hints. The code alone where other routes have it too: the document has an example. */
export type Fault = ProblemCode | readonly [code: ProblemCode, detail: string, hints?: ProblemHints];

/**
 * What a route asks for and answers, declared once: `@Api(ROUTE)` on a controller's method, `{ config: { api: ROUTE } }` on a plain
 * Fastify route. The guard takes `access` from it, and the OpenAPI document is made of all of them.
 */
export interface ApiRoute {
  readonly access: Access;
  /** What a public route of the console asks of the person who has signed in. */
  readonly session?: 'console' | 'console:act';
  /** Where there is an admin port: whether the route is there alone, or there as well. Left out: for callers. */
  readonly port?: 'admin' | 'both';
  /** Turns requests with an `Origin` header away: what it answers must never reach a browser. */
  readonly refusesBrowsers?: true;
  readonly summary: string;
  readonly description?: string;
  /** For a public route that has credentials of its own; OpenAPI's security requirements. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  /** In the path, as `:name`. */
  readonly path?: Parameters;
  /** Of the query string. */
  readonly query?: Parameters;
  readonly headers?: Parameters;
  /** JSON that a `JsonBodyPipe` holds against a class, or whatever the schema says. */
  readonly body?:
    { readonly shape: Type<object>; readonly example: object; readonly mayBeLeftOut?: true } | Content;
  /** One for each status. An answer without a schema has no body. */
  readonly answers: Readonly<Record<number, Partial<Content> & { readonly description: string }>>;
  /** Besides those that follow from the rest: of keys, scopes, apps and bodies. */
  readonly faults?: readonly Fault[];
}

/** Declares a controller's route. Without it, a route is open to any key and missing in the OpenAPI document. */
export function Api(api: ApiRoute, config: Omit<FastifyContextConfig, 'api' | 'url' | 'method'> = {}) {
  return RouteConfig({ ...config, api });
}

/** Which app is meant, where `ClientAccess.app` decides. */
export const appParameter = {
  type: 'string',
  minLength: 1,
  description: 'May be left out by a caller that sees one app, or one named `default`.',
} as const;

/** What a field of a request's body is for, as an option of one of its rules: `@IsInt(about('…'))`. */
export function about(description: string): { context: object } {
  return { context: { description } };
}

declare module 'fastify' {
  interface FastifyContextConfig {
    api?: ApiRoute;
  }
}
