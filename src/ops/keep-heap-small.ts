import { setFlagsFromString } from 'node:v8';

/**
 * Imported first: V8's young generation stays at its first size. Requests leave only short-lived garbage behind, which
 * it holds as well; grown, it costs some 40 MB and no request is faster (docs/benchmarks.md).
 */
setFlagsFromString('--semi-space-growth-factor=1');
