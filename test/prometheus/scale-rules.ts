import { parse } from 'yaml';

interface RuleFile {
  readonly groups: readonly {
    readonly interval: string;
    readonly rules: readonly { readonly expr: string; readonly for?: string }[];
  }[];
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** The same rules with every interval, wait and window shortened by the factor, as JSON, which is YAML too. Numbers in expressions stay. */
export function scaleRules(text: string, factor: number): string {
  const file = parse(text) as RuleFile;
  const groups = file.groups.map((group) => ({
    ...group,
    interval: shorten(group.interval, factor),
    rules: group.rules.map((rule) => ({
      ...rule,
      expr: rule.expr.replace(/\[(\w+)\]/g, (_, window: string) => `[${shorten(window, factor)}]`),
      ...(rule.for !== undefined && { for: shorten(rule.for, factor) }),
    })),
  }));
  return JSON.stringify({ groups });
}

function shorten(duration: string, factor: number): string {
  const [, count, unit = ''] = /^(\d+)([smh])$/.exec(duration) ?? [];
  const unitMs = UNIT_MS[unit];
  if (unitMs === undefined) throw new Error(`Not a duration that can be scaled: ${duration}`);
  return `${String(Math.round((Number(count) * unitMs) / factor))}ms`;
}
