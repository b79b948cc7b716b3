import type { Cluster, Redis, Result } from 'ioredis';
import { readFileSync } from 'node:fs';

type ScriptArguments = readonly (string | number)[];

/** `nowMs` is the time of Redis; `state` is empty where nothing is stored. */
export type LoadReply = readonly [
  nowMs: number,
  state: string,
  owner: string,
  isLeaseHeld: 0 | 1,
  hasLegacy: 0 | 1,
];
/** `id`: of the entry in the list of changes, empty if there is none. */
export type SwapReply = readonly [code: 0 | 1 | 2, nowMs: number, state: string, owner: string, id?: string];

export type LoginBeginReply =
  | readonly [
      kind: 'late' | 'unknown' | 'expired' | 'mismatch' | 'used' | 'claimed',
      nowMs: number,
      login: string,
    ]
  | readonly [
      kind: 'known',
      nowMs: number,
      login: string,
      isSameCaller: 0 | 1,
      phase: 'p' | 'a' | 'r' | 'l',
      atMs: number,
      outcome: string,
    ];

declare module 'ioredis' {
  interface RedisCommander<Context> {
    brokerLoad(...args: ScriptArguments): Result<LoadReply, Context>;
    brokerSwap(...args: ScriptArguments): Result<SwapReply, Context>;
    /** With the list of changes as fourth key. */
    brokerSwapAndNote(...args: ScriptArguments): Result<SwapReply, Context>;
    /** The ids of the entries; empty where Redis does not let the user write them. */
    brokerNote(...args: ScriptArguments): Result<readonly string[], Context>;
    brokerChanges(...args: ScriptArguments): Result<readonly string[], Context>;
    /** The number of keys comes first. Of each app who else holds it, or empty. */
    brokerClaim(...args: ScriptArguments): Result<readonly string[], Context>;
    /** Empty, or what is there. */
    brokerProbeClaim(...args: ScriptArguments): Result<string, Context>;
    brokerProbeFinish(...args: ScriptArguments): Result<0 | 1, Context>;
    brokerLoginOpen(...args: ScriptArguments): Result<1, Context>;
    brokerLoginBegin(...args: ScriptArguments): Result<LoginBeginReply, Context>;
    brokerLoginFinish(...args: ScriptArguments): Result<0 | 1, Context>;
    brokerLoginLoad(...args: ScriptArguments): Result<readonly [nowMs: number, value: string], Context>;
    brokerLoginSave(...args: ScriptArguments): Result<0 | 1, Context>;
    brokerReplicaBeat(...args: ScriptArguments): Result<readonly string[], Context>;
    brokerNoteUses(...args: ScriptArguments): Result<1, Context>;
    brokerLegacyRead(...args: ScriptArguments): Result<readonly string[], Context>;
    brokerLegacyWrite(...args: ScriptArguments): Result<0 | 1, Context>;
  }
}

const SCRIPTS = [
  { command: 'brokerLoad', file: 'load', numberOfKeys: 4 },
  { command: 'brokerSwap', file: 'swap', numberOfKeys: 3 },
  { command: 'brokerSwapAndNote', file: 'swap', numberOfKeys: 4 },
  { command: 'brokerNote', file: 'note', numberOfKeys: 1 },
  { command: 'brokerChanges', file: 'changes', numberOfKeys: 1 },
  { command: 'brokerClaim', file: 'claim', numberOfKeys: null },
  { command: 'brokerProbeClaim', file: 'probe-claim', numberOfKeys: 1 },
  { command: 'brokerProbeFinish', file: 'probe-finish', numberOfKeys: 1 },
  { command: 'brokerLoginOpen', file: 'login-open', numberOfKeys: 1 },
  { command: 'brokerLoginBegin', file: 'login-begin', numberOfKeys: 3 },
  { command: 'brokerLoginFinish', file: 'login-finish', numberOfKeys: 4 },
  { command: 'brokerLoginLoad', file: 'login-load', numberOfKeys: 1 },
  { command: 'brokerLoginSave', file: 'login-save', numberOfKeys: 2 },
  { command: 'brokerReplicaBeat', file: 'replica-beat', numberOfKeys: 1 },
  { command: 'brokerNoteUses', file: 'note-uses', numberOfKeys: 1 },
  { command: 'brokerLegacyRead', file: 'legacy-read', numberOfKeys: 3 },
  { command: 'brokerLegacyWrite', file: 'legacy-write', numberOfKeys: 2 },
] as const;

/** Teaches the client the commands of scripts/*.lua. They survive SCRIPT FLUSH and restarts of the server. */
export function defineScripts(client: Redis | Cluster): void {
  const prelude = read('prelude');
  for (const { command, file, numberOfKeys } of SCRIPTS) {
    const lua = `${prelude}\n${read(file)}`;
    client.defineCommand(command, numberOfKeys === null ? { lua } : { numberOfKeys, lua });
  }
}

function read(name: string): string {
  return readFileSync(new URL(`scripts/${name}.lua`, import.meta.url), 'utf8');
}
