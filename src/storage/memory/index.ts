export { MemoryAppClaim } from './memory-coordination.js';
export { MemoryLoginStore } from './memory-login-store.js';
export { MemoryRefreshLease } from './memory-coordination.js';
export { MemoryRotationFeed } from './memory-coordination.js';
export { MemorySharedProbes } from './memory-coordination.js';
export { MemoryTokenStore } from './memory-token-store.js';
export { MemoryHistory, MemoryReplicaRegistry } from './memory-console.js';
