import { CLAUSES, NOUNS, type FaultRule } from './fault-texts.zh.ts';

/*
 * Faults of the configuration in Chinese. The broker says them in English, in its log and in `GET /config/status` too: the
 * English sentence is the code, and what varies in it are the parameters. A fault is a place and clauses:
 * `apps[0].appId: must be …, got text of 9 characters; character 3 is a space`.
 */

const compiled = (rules: readonly FaultRule[]) =>
  rules.map(([english, chinese]) => [new RegExp(`^(?:${english})$`, 's'), chinese] as const);
const [CLAUSE_RULES, NOUN_RULES] = [compiled(CLAUSES), compiled(NOUNS)];

/** By the first rule that fits and whose parts can all be translated. */
function byRule(rules: ReturnType<typeof compiled>, text: string): string | undefined {
  for (const [english, chinese] of rules) {
    const parts = english.exec(text);
    if (!parts) continue;
    const unknown: string[] = [];
    const said = chinese.replace(/([$#@])(\d)/g, (_, kind: string, at: string) => {
      const part = parts[Number(at)] ?? '';
      const own = kind === '$' ? part : kind === '#' ? noun(part) : clause(part);
      if (own === undefined) unknown.push(part);
      return own ?? '';
    });
    if (unknown.length === 0) return said;
  }
  return undefined;
}

/** Of one clause; longer ones are quoted texts. */
const MAX_PARTS = 8;

const noun = (text: string): string | undefined =>
  byRule(NOUN_RULES, text) ?? (/^\/\S+$/.test(text) ? text : undefined);

/** Such as `apps[0].appId`, `orders.yaml` or `BROKER_APP_SECRET or BROKER_APP_SECRET_FILE`. */
function place(text: string): string | undefined {
  const shown = text
    .replace(/\((?:a|an) \w+ not shown[^)]*\)|\(a key\)/, '（不显示的键，可能是secret）')
    .replace(/\((?:entry|file) (\d+)[^)]*\)/, '（第$1个）');
  return /^[^ ]+(?: or [^ ]+)?$/.test(shown) ? shown.replace(' or ', ' 或 ') : undefined;
}

function clause(text: string): string | undefined {
  const whole = byRule(CLAUSE_RULES, text);
  if (whole !== undefined) return whole;
  // Each place where it may be divided doubles the work.
  if (text.split(': ').length > MAX_PARTS) return undefined;
  for (let at = text.indexOf(': '); at >= 0; at = text.indexOf(': ', at + 1)) {
    const before = text.slice(0, at);
    const after = clause(text.slice(at + 2));
    const said = after === undefined ? undefined : (place(before) ?? clause(before));
    if (said !== undefined) return `${said}：${after}`;
  }
  return undefined;
}

/** With a space between Chinese and what is not. */
const spaced = (text: string): string =>
  text.replace(/(?<=[\u4e00-\u9fff])(?=[\w/"{])|(?<=[\w/"}])(?=[\u4e00-\u9fff])/gu, ' ');

/** The fault in Chinese, or as it is where one of its clauses is not known. */
export function faultInChinese(fault: string): string {
  const clauses = fault.split('; ').map(clause);
  return clauses.every((said) => said !== undefined) ? spaced(clauses.join('；')) : fault;
}
