import type { OpenAPIObject } from '@nestjs/swagger';
import type { RouteOptions } from 'fastify';
import type { ApiRoute } from '../common/api-route.js';
import { faultAnswers, isScope } from './openapi-faults.js';
import type { Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';

const JSON_TYPE = 'application/json';

type Content = ApiRoute['answers'][number] & { readonly schema: object };

/** The OpenAPI document, made of what the routes declare. */
export class OpenApi {
  private readonly paths: Record<string, Record<string, object>> = {};
  private readonly schemas: Record<string, object> = {};

  /** Called for each route as the server registers it. Those that declare nothing are left out, and so is the HEAD of a GET. */
  add({ url, method, config }: Pick<RouteOptions, 'url' | 'method' | 'config'>): void {
    if (!config?.api) return;
    const shown = url.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}');
    const path = (this.paths[shown] ??= {});
    for (const each of [method].flat()) {
      if (each !== 'HEAD') path[each.toLowerCase()] = this.operation(config.api);
    }
  }

  document(): OpenAPIObject {
    return {
      openapi: '3.0.3',
      info: {
        title: 'access-token-broker',
        version: '1',
        description: 'One living access token per app, for all services.',
      },
      security: [{ apiKey: [] }, { jwt: [] }],
      paths: this.paths,
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key.' },
          jwt: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description:
              'A JWT of an issuer in `identities`, such as the token of a Kubernetes ServiceAccount.',
          },
          consoleSession: { type: 'apiKey', in: 'cookie', name: 'console_session' },
          clientCredentials: { type: 'http', scheme: 'basic' },
        },
        schemas: this.schemas,
      },
    };
  }

  private operation(route: ApiRoute): object {
    const { access, summary, path = {}, query = {}, headers = {}, body, answers } = route;
    const security = route.security ?? (access === 'public' ? [] : undefined);
    const description = [accessText(route), route.description].filter((text) => text).join(' ');
    const parameters = [
      ...parametersIn('path', path),
      ...parametersIn('query', query),
      ...parametersIn('header', headers),
    ];
    const responses: Record<string, object> = {};
    for (const [status, answer] of Object.entries(answers)) {
      const { description, schema } = answer;
      responses[status] = { description, ...(schema && { content: content({ ...answer, schema }) }) };
    }
    return this.referring({
      summary,
      ...(description && { description }),
      ...(security && { security }),
      ...(parameters.length > 0 && { parameters }),
      ...(body && { requestBody: requestBody(body) }),
      responses: { ...responses, ...faultAnswers(route) },
    }) as object;
  }

  /** The same with each titled schema replaced by a reference to it. */
  private referring(node: unknown): unknown {
    if (Array.isArray(node)) return node.map((each) => this.referring(each));
    if (typeof node !== 'object' || node === null) return node;
    const fields = Object.entries(node).filter(([, value]) => value !== undefined);
    const isTitled = 'title' in node && typeof node.title === 'string' && 'type' in node;
    const copy = Object.fromEntries(
      fields
        .filter(([name]) => !isTitled || name !== 'title')
        .map(([name, value]) => [name, NOT_SCHEMAS.has(name) ? value : this.referring(value)]),
    );
    if (!isTitled) return copy;
    this.schemas[String(node.title)] = copy;
    return { $ref: `#/components/schemas/${String(node.title)}` };
  }
}

/** What is shown as it is: a problem has a title too. */
const NOT_SCHEMAS: ReadonlySet<string> = new Set(['example', 'examples']);

function accessText({ access }: ApiRoute): string {
  if (access === 'any_key') return 'Any key.';
  return isScope(access) ? `Scope \`${access}\`.` : '';
}

function parametersIn(
  place: 'path' | 'query' | 'header',
  parameters: NonNullable<ApiRoute['query']>,
): object[] {
  return Object.entries(parameters).map(([name, { required, description, ...schema }]) => ({
    name,
    in: place,
    schema,
    ...(required && { required }),
    ...(description !== undefined && { description }),
  }));
}

function requestBody(body: NonNullable<ApiRoute['body']>): object {
  return 'shape' in body
    ? {
        required: body.mayBeLeftOut !== true,
        content: content({ schema: bodySchema(body.shape), example: body.example }),
      }
    : { required: true, content: content(body) };
}

function content({ schema, example, type = JSON_TYPE }: Omit<Content, 'description'>): object {
  return { [type]: { schema, ...(example !== undefined && { example }) } };
}

/** What a rule of class-validator is in a schema. */
const RULES: Readonly<Record<string, (...values: unknown[]) => object>> = {
  isOptional: () => ({ nullable: true }),
  isString: () => ({ type: 'string' }),
  isInt: () => ({ type: 'integer' }),
  isBoolean: () => ({ type: 'boolean' }),
  min: (minimum) => ({ minimum }),
  max: (maximum) => ({ maximum }),
  isLength: (minLength, maxLength) => ({ minLength, maxLength }),
  isIn: (values) => ({ type: 'string', enum: values }),
  isArray: () => ({ type: 'array' }),
  arrayMinSize: (minItems) => ({ minItems }),
  arrayMaxSize: (maxItems) => ({ maxItems }),
};

/** The schema of a request's body, from the rules of its class. What a rule cannot say, its `context` does, which is a part of the schema. */
function bodySchema(shape: Type<object>) {
  const properties: Record<string, Record<string, unknown>> = {};
  for (const rule of getMetadataStorage().getTargetValidationMetadatas(shape, '', false, false)) {
    const { propertyName, name = '' } = rule;
    const values = (rule.constraints as unknown[] | undefined) ?? [];
    const context = rule.context as object | undefined;
    if (!RULES[name] && !context) throw new Error(`No schema for the rule ${name} of ${shape.name}.`);
    const property = (properties[propertyName] ??= {});
    const part = rule.each ? (property.items ??= {}) : property;
    Object.assign(part, RULES[name]?.(...values), context);
  }
  const required = Object.keys(properties).filter((name) => properties[name]?.nullable !== true);
  return {
    title: shape.name,
    type: 'object',
    ...(required.length > 0 && { required }),
    additionalProperties: false,
    properties,
  };
}
