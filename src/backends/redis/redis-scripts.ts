import type { Cluster, Redis, Result } from 'ioredis';
import { readFileSync } from 'node:fs';

type ScriptArguments = readonly (string | number)[];

/** What every script replies: a code, the store's time in ms, the fence, and the state as field, value, field, value. */
export type ScriptReply = readonly [code: number, nowMs: number, fence: number, state: readonly string[]];

declare module 'ioredis' {
  interface RedisCommander<Context> {
    brokerBegin(...args: ScriptArguments): Result<ScriptReply, Context>;
    brokerCommit(...args: ScriptArguments): Result<ScriptReply, Context>;
    brokerAbort(...args: ScriptArguments): Result<ScriptReply, Context>;
    brokerReconcile(...args: ScriptArguments): Result<ScriptReply, Context>;
  }
}

const SCRIPTS = [
  { command: 'brokerBegin', file: 'begin', numberOfKeys: 3 },
  { command: 'brokerCommit', file: 'commit', numberOfKeys: 2 },
  { command: 'brokerAbort', file: 'abort', numberOfKeys: 2 },
  { command: 'brokerReconcile', file: 'reconcile', numberOfKeys: 2 },
] as const;

/** Teaches the client the operations of scripts/*.lua. They survive SCRIPT FLUSH and restarts of the server. */
export function defineScripts(client: Redis | Cluster): void {
  const prelude = read('prelude');
  for (const { command, file, numberOfKeys } of SCRIPTS) {
    client.defineCommand(command, { numberOfKeys, lua: `${prelude}\n${read(file)}` });
  }
}

function read(name: string): string {
  return readFileSync(new URL(`scripts/${name}.lua`, import.meta.url), 'utf8');
}
