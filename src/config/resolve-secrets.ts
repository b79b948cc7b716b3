import { asList, isMapping } from './mapping.js';
import { keysOf, sectionsOf, type SectionClass } from './schema.js';
import type { SecretForm } from './secret-text.js';

/** `path` is that of the key, as in a fault. */
export type ReadSecret = (source: unknown, form: SecretForm, path: string) => unknown;

/**
 * Puts in the place of each secret's source what `read` makes of it, for the validation to judge. Runs before the
 * validation, so the shape of `node` may be anything.
 */
export function resolveSecrets(node: unknown, section: SectionClass, read: ReadSecret, path = ''): void {
  if (!isMapping(node)) return;
  for (const [key, spec] of keysOf(section)) {
    const at = path === '' ? key : `${path}.${key}`;
    const value = node[key];
    if (spec.secret) {
      if (value !== undefined || !spec.isOptional) node[key] = read(value, spec.secret, at);
    } else if (spec.secrets && isMapping(value)) {
      for (const [name, source] of Object.entries(value)) {
        value[name] = read(source, spec.secrets, `${at}.${name}`);
      }
    } else if (spec.section) {
      const nested = spec.section();
      if (!spec.isList) resolveSecrets(value, nested, read, at);
      for (const [index, entry] of asList(value).entries()) {
        resolveSecrets(entry, nested, read, `${at}[${index}]`);
      }
    }
  }
}

/**
 * All texts that stand under the name of a secret key, wherever in the tree and whatever their form: what a fault must
 * not show.
 */
export function secretTexts(tree: unknown, root: SectionClass): string[] {
  const keys = new Set(
    [...sectionsOf(root)].flatMap((section) =>
      [...keysOf(section)].flatMap(([key, { secret, secrets }]) => ((secret ?? secrets) ? [key] : [])),
    ),
  );
  const texts: string[] = [];
  const walk = (node: unknown, isSecret: boolean): void => {
    if (Array.isArray(node)) for (const entry of node as unknown[]) walk(entry, isSecret);
    else if (isMapping(node)) {
      for (const [key, child] of Object.entries(node))
        walk(child, (isSecret && key !== 'file' && key !== 'env') || keys.has(key));
    } else if (isSecret && (typeof node === 'string' || typeof node === 'number')) texts.push(String(node));
  };
  walk(tree, false);
  return texts;
}
