import { createInterface } from 'node:readline';

/**
 * Answers each line `call` on standard input with a line of JSON: what `call()` resolved to, or why it rejected. The
 * first line names the SDK.
 *
 * @param {string} sdk
 * @param {string} version
 * @param {() => Promise<string>} call gives an openid
 */
export function serve(sdk, version, call) {
  say({ sdk, version });
  createInterface({ input: process.stdin }).on('line', async () => {
    try {
      say({ openid: await call() });
    } catch (error) {
      say({ error: String(error) });
    }
  });
}

export function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
