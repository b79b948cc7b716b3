import { hash, randomBytes } from 'node:crypto';
import type { AppName } from '../token.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** So many of this alphabet hold 256 bits. */
const STATE_CHARACTERS = 43;
/** The largest multiple of the alphabet's size in a byte: higher ones would make its first letters likelier. */
const FAIR_BYTES = 248;
const SECRET_BYTES = 32;
/** Bytes of the app's name in front of the random part. Both together are a multiple of 3, for which base64 needs no padding. */
const TAG_BYTES = 7;
const HANDLE = /^(tbs|tbt)_([\w-]{52})$/;
const SHOWN = /^[\x21-\x7e]{1,512}$/;

/** WeChat takes letters and digits only, and no more than 128 of them. */
export function newState(): string {
  let state = '';
  while (state.length < STATE_CHARACTERS) {
    for (const byte of randomBytes(2 * STATE_CHARACTERS)) {
      if (byte < FAIR_BYTES && state.length < STATE_CHARACTERS)
        state += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return state;
}

export function newBinding(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** Names one attempt among all. */
export function newAttempt(): string {
  return randomBytes(16).toString('base64url');
}

/** 256 random bits, and in front of them the app that it is for, so that a session alone finds its place in a cluster. */
export function newHandle(kind: 'tbs' | 'tbt', app: AppName): string {
  return `${kind}_${Buffer.concat([tagOf(app), randomBytes(SECRET_BYTES)]).toString('base64url')}`;
}

/** The `appTag` of the app that a handle is for; null for what is no such handle. */
export function tagIn(handle: string, kind: 'tbs' | 'tbt'): string | null {
  const [, prefix, text = ''] = HANDLE.exec(handle) ?? [];
  return prefix === kind ? Buffer.from(text, 'base64url').subarray(0, TAG_BYTES).toString('hex') : null;
}

export function appTag(app: AppName): string {
  return tagOf(app).toString('hex');
}

function tagOf(app: AppName): Buffer {
  return hash('sha256', app, 'buffer').subarray(0, TAG_BYTES);
}

/** What a user has to show: the binding that the login began with, or the verifier of its PKCE challenge (RFC 7636). */
export type Proof = { readonly binding: string } | { readonly codeVerifier: string };

/** As it is stored. A binding never passes for a verifier, nor the other way round. */
export function proofOf(proof: Proof): string {
  return 'binding' in proof ? `b:${sha256(proof.binding)}` : proofOfChallenge(sha256(proof.codeVerifier));
}

/** The stored form of the proof that a challenge asks for. S256: the challenge is the hash of the verifier. */
export function proofOfChallenge(codeChallenge: string): string {
  return `v:${sha256(codeChallenge)}`;
}

/** Whether it can be a code, a state or a token of a platform: printable and not too long. */
export function isPlausible(text: string): boolean {
  return SHOWN.test(text);
}

export function sha256(text: string): string {
  return hash('sha256', text, 'base64url');
}
