import { randomBytes } from 'node:crypto';
import { generateApiKey } from './api-key.js';

const USAGE = `usage: access-token-broker keygen [--encryption]
  makes an API key for a caller; with --encryption, a key for encryption.keys
`;

export interface KeygenIo {
  /** What follows `keygen` on the command line. */
  readonly args: readonly string[];
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Prints a new key and where each part of it goes. Returns the exit code. */
export function keygen({ args, out, err }: KeygenIo): 0 | 2 {
  if (args.length === 0) {
    out(apiKeyText());
  } else if (args.length === 1 && args[0] === '--encryption') {
    out(encryptionKeyText());
  } else if (args.includes('--help')) {
    out(USAGE);
  } else {
    err(USAGE);
    return 2;
  }
  return 0;
}

function apiKeyText(): string {
  const { key, sha256 } = generateApiKey();
  return `API key: ${key}
  give it to the caller; the broker does not need it (for a first try without a file, set BROKER_API_KEY to it)
SHA-256: ${sha256}
  put it into the configuration file, under clients[].keySha256
`;
}

function encryptionKeyText(): string {
  return `encryption key: ${randomBytes(32).toString('base64')}
  put it into a file and name that file in the configuration: encryption.keys: [{ id: k1, key: { file: … } }]
`;
}
