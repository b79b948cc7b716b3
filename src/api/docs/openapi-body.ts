import type { Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';

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
export function bodySchema(shape: Type<object>) {
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
