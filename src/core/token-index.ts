import type { AppName } from './token.js';

/** The current token, and the one before, which the platform takes for a while. */
const MAX_TOKENS_OF_AN_APP = 2;

/** Finds the apps that have, or just had, a token; by its SHA-256 in hex. Two apps with one AppID may have the same. */
export class TokenIndex {
  private readonly apps = new Map<string, Set<AppName>>();
  /** Oldest first. */
  private readonly tokens = new Map<AppName, readonly string[]>();

  add(app: AppName, sha256: string): void {
    const kept = [...(this.tokens.get(app) ?? []).filter((one) => one !== sha256), sha256];
    for (const old of kept.splice(0, kept.length - MAX_TOKENS_OF_AN_APP)) this.remove(app, old);
    this.tokens.set(app, kept);
    this.apps.set(sha256, (this.apps.get(sha256) ?? new Set<AppName>()).add(app));
  }

  appsOf(sha256: string): readonly AppName[] {
    return [...(this.apps.get(sha256) ?? [])];
  }

  private remove(app: AppName, sha256: string): void {
    const apps = this.apps.get(sha256);
    apps?.delete(app);
    if (apps?.size === 0) this.apps.delete(sha256);
  }
}
