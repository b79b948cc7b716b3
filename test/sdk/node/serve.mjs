import { Buffer } from 'node:buffer';
import { createInterface } from 'node:readline';

/** Neither text nor UTF-8. */
const FILE = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));

/**
 * Answers each line on standard input with a line of JSON: what came of `call()`, or for the line `media` of `media()`, or why it
 * rejected. The first line names the SDK.
 *
 * @param {string} sdk
 * @param {string} version
 * @param {() => Promise<string>} call gives an openid
 * @param {(file: Buffer) => Promise<Buffer>} [media] sends a user a message, uploads the file and downloads it again
 */
export function serve(sdk, version, call, media) {
  say({ sdk, version });
  createInterface({ input: process.stdin }).on('line', async (line) => {
    try {
      if (line === 'media') say({ same: (await media(FILE)).equals(FILE) });
      else say({ openid: await call() });
    } catch (error) {
      say({ error: String(error) });
    }
  });
}

export function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
