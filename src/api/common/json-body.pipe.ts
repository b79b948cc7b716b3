import { ValidationPipe, type ArgumentMetadata, type Type, type ValidationError } from '@nestjs/common';
import { HttpProblem } from './problem.js';

/** Caller's text is repeated only if it is plainly a field's name, without digits as secrets have them. */
const FIELD_NAME = /^[a-z_]{1,40}$/i;

/** Checks a JSON body against a class; a body that was left out counts as `{}`. Unknown fields are faults, not ignored. One that could not be read comes as the problem that says so. */
export class JsonBodyPipe extends ValidationPipe {
  constructor(shape: Type<object>) {
    super({
      expectedType: shape,
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      stopAtFirstError: true,
      exceptionFactory: (errors) => new HttpProblem('invalid_request', errors.map(sentence).join(' ')),
    });
  }

  override async transform(body: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (body instanceof HttpProblem) throw body;
    if (body === null || Array.isArray(body) || !['object', 'undefined'].includes(typeof body)) {
      throw new HttpProblem('invalid_request', 'The body must be a JSON object, or be left out.');
    }
    // The validator would find rules for these: it looks for a field's in an object that inherits them.
    const inherited = Object.keys(body ?? {}).find((field) => field in Object.prototype);
    if (inherited !== undefined) throw new HttpProblem('invalid_request', unknownField(inherited));
    return super.transform(body, metadata);
  }
}

function sentence({ property, constraints = {} }: ValidationError): string {
  if ('whitelistValidation' in constraints) return unknownField(property);
  return `In the body, ${Object.values(constraints).join(', ')}.`;
}

function unknownField(field: string): string {
  const name = FIELD_NAME.test(field) ? `"${field}"` : 'of some name';
  return `The body has a field ${name} that this route does not know: leave it out.`;
}
