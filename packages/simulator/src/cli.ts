#!/usr/bin/env node
import { simulate } from './simulate.command.js';

const result = await simulate(process.argv.slice(2), { stdout: console.log, stderr: console.error });
if (result.kind === 'ended') {
  process.exitCode = result.exitCode;
} else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void result.stop());
}
