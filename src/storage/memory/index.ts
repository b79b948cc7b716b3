export { MemoryAppClaim } from './memory-app-claim.js';
export { MemoryLoginStore } from './memory-login-store.js';
export { MemoryRefreshLease } from './memory-refresh-lease.js';
export { MemoryRotationFeed } from './memory-rotation-feed.js';
export { MemoryTokenStore } from './memory-token-store.js';
