import type { AppSection } from '../config/app.section.js';
import { oauth2 } from './oauth2/oauth2.platform.js';
import type { Platform } from './platform.js';
import { qq } from './qq/qq.platform.js';
import { wechat } from './wechat/wechat.platform.js';
import { wecom } from './wecom/wecom.platform.js';

/** All platforms. The first is that of an app without `provider`. */
export const PLATFORMS: readonly [Platform, ...Platform[]] = [wechat, wecom, oauth2, qq];

/** Of all platforms, by provider: the error codes that pass by themselves. */
export function passingErrcodes(): ReadonlyMap<string, Platform['errors']['passing']> {
  return new Map(PLATFORMS.map(({ id, errors }) => [id, errors.passing]));
}

/** What tokens look like, where that can be told. */
export function tokenShapes(): readonly RegExp[] {
  return PLATFORMS.flatMap(({ tokenShape }) => tokenShape ?? []);
}

/** Whether the broker fetches anything for the app. */
export function hasToken(app: AppSection): boolean {
  return platformOf(app.provider).credentials(app).length > 0;
}

/** @throws Error for a platform that is not in the list; the configuration is checked against it */
export function platformOf(id: string): Platform {
  const platform = PLATFORMS.find((one) => one.id === id);
  if (!platform) throw new Error(`there is no platform "${id}"`);
  return platform;
}
