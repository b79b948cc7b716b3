import type { PlatformAnswer } from '../../core/ports/gateway-profile.js';
import { numberOf, parseJsonObject } from './parse-json-object.js';

/** Only an answer that may have one is parsed: most are not errors. */
const ERRCODE = '"errcode"';

/** The errcode of an answer of WeChat or WeCom to a business call; null where there is none, or 0. */
export function errcodeInAnswer({ json }: PlatformAnswer): number | null {
  if (!json?.includes(ERRCODE)) return null;
  const errcode = numberOf(parseJsonObject(json.toString())?.errcode);
  return typeof errcode === 'number' && errcode !== 0 ? errcode : null;
}
