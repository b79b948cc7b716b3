import type { AppIdentity } from '../../src/core/app-definition.js';

/** An app as stores, leases and feeds know it. */
export function appNamed(name: string, changes: Partial<AppIdentity> = {}): AppIdentity {
  return { name, provider: 'fake', appId: 'wx0123456789abcdef', grant: 'stable', ...changes };
}

export const SHOP = appNamed('shop');
