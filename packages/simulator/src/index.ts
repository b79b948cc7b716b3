/* What `@access-token-broker/simulator` offers. */
export { simulate, type SimulateResult } from './simulate.command.js';
export type { FaultSpec } from './fault-spec.js';
export { steadyNow } from './steady-now.js';
export { DEFAULT_APP, type SimulatedApp, type SimulatorOptions } from './wechat/settings.js';
export type { TokenReport } from './wechat/token-report.js';
export { WechatSimulator } from './wechat/wechat-simulator.js';
