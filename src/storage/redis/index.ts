export { CLAIM_PREFIX } from './keys.js';
export { KeyUse } from './token-cipher.js';
export { LegacyState } from './legacy-state.js';
export { RedisAppClaim } from './redis-app-claim.js';
export { RedisConnection, type RedisSettings } from './redis-connection.js';
export { RedisRefreshLease } from './redis-refresh-lease.js';
export { RedisRotationFeed } from './redis-rotation-feed.js';
export { RedisTokenStore } from './redis-token-store.js';
export { TokenCipher } from './token-cipher.js';
