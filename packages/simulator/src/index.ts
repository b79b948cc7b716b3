/* What `@access-token-broker/simulator` offers. */
export { simulate, type SimulateResult } from './simulate.command.js';
export type { FaultSpec } from './fault-spec.js';
export { steadyNow } from './time.js';
export { DEFAULT_APP, type SimulatedApp, type SimulatorOptions } from './wechat/settings.js';
export type { CodeReport } from './login/code-book.js';
export type { UserSpec } from './login/user-book.js';
export type { CodeSpec } from './wechat/login/login-control.js';
export type { TokenReport } from './token-report.js';
export { WechatSimulator } from './wechat/wechat-simulator.js';
export { DEFAULT_CLIENT, type Oauth2Options, type SimulatedClient } from './oauth2/settings.js';
export { Oauth2Simulator } from './oauth2/oauth2-simulator.js';
export { DEFAULT_QQ_APP, type QqOptions, type SimulatedQqApp } from './qq/settings.js';
export { QqSimulator } from './qq/qq-simulator.js';
export { DEFAULT_AGENT, type SimulatedAgent, type WecomOptions } from './wecom/settings.js';
export { WecomSimulator } from './wecom/wecom-simulator.js';
