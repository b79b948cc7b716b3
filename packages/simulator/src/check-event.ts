import { ControlInputError, checkFields, isText, type FieldCheck, isObject } from './input-checks.js';

/**
 * Throws a ControlInputError that names the field at fault.
 *
 * @param fields the fields of each kind of event, besides `kind`
 * @param required of a kind: the field that it cannot do without
 */
export function checkEvent<Event extends { readonly kind: string }>(
  value: unknown,
  fields: Readonly<Record<Event['kind'], Readonly<Record<string, FieldCheck>>>>,
  required: Readonly<Partial<Record<Event['kind'], string>>>,
): asserts value is Event {
  const isKind = (one: unknown): one is Event['kind'] =>
    typeof one === 'string' && Object.hasOwn(fields, one);
  const kind = isObject(value) ? value.kind : undefined;
  if (!isKind(kind)) throw new ControlInputError(`kind: must be one of ${Object.keys(fields).join(', ')}`);
  const wanted = required[kind];
  checkFields(value, { kind: isText, ...fields[kind] }, wanted === undefined ? [] : [wanted]);
}
