/** A platform with as many apps as somebody asks for, in this process: it knows of each token whether it lives. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** As WeChat's stable tokens: the same one until so much of its life is left. */
const SAME_UNTIL_MS = 300_000;
/** A fetch so soon after the last one of the same app was not needed. */
const TOO_SOON_MS = 10_000;

interface App {
  readonly appId: string;
  readonly token: string;
  readonly expiresAtMs: number;
  readonly fetchedAtMs: number;
}

export class ScalePlatform {
  private readonly apps = new Map<string, App>();
  private readonly killed = new Set<string>();
  private readonly server = createServer((request, response) => {
    void this.answer(request).then((answer) => {
      const body = JSON.stringify(answer);
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      response.writeHead(200, headers).end(body);
    });
  });
  private count = 0;
  private askedAtMs = 0;
  private triedAtMs = 0;
  /** Requests for a token. */
  fetches = 0;
  /** Those within 10 s after another one of the same app that nobody forced. */
  needless = 0;

  private readonly lifeSeconds: number;

  constructor(lifeSeconds: number) {
    this.lifeSeconds = lifeSeconds;
  }

  async listen(): Promise<string> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** Resolves when nobody has asked for so long: brokers that have just started try what they found in the store. */
  quiet(ms: number): Promise<void> {
    return since(() => this.askedAtMs, ms);
  }

  /** As `quiet`, but tokens may be fetched all the time. */
  allTried(ms: number): Promise<void> {
    return since(() => this.triedAtMs, ms);
  }

  isAlive(token: string): boolean {
    const [, appId = '', expiresAtMs] = token.split('_');
    return this.apps.has(appId) && Number(expiresAtMs) > Date.now() && !this.killed.has(token);
  }

  /** A token that somebody fetched within the first half of its life: tokens of brokers that run for days are of all ages. */
  issueEarlier(appId: string): { access_token: string; expires_in: number } {
    return this.issued(this.minted(appId, Date.now() - (Math.random() / 2) * this.lifeSeconds * 1000));
  }

  /** The app's token, new where it is due or forced. */
  issue(appId: string, isForced = false): { access_token: string; expires_in: number } {
    const nowMs = Date.now();
    const before = this.apps.get(appId);
    this.fetches += 1;
    if (before && !isForced && nowMs - before.fetchedAtMs < TOO_SOON_MS) this.needless += 1;
    if (before && isForced) this.killed.add(before.token);
    const isSame = before && !isForced && before.expiresAtMs - nowMs > SAME_UNTIL_MS;
    return this.issued(isSame ? { ...before, fetchedAtMs: nowMs } : this.minted(appId, nowMs));
  }

  private issued(app: App): { access_token: string; expires_in: number } {
    this.apps.set(app.appId, app);
    return { access_token: app.token, expires_in: Math.floor((app.expiresAtMs - Date.now()) / 1000) };
  }

  private minted(appId: string, nowMs: number): App {
    this.count += 1;
    const expiresAtMs = nowMs + this.lifeSeconds * 1000;
    const token = `83_${appId}_${expiresAtMs}_${String(this.count).padStart(100, '0')}`;
    return { appId, token, expiresAtMs, fetchedAtMs: nowMs };
  }

  private async answer(request: IncomingMessage): Promise<object> {
    this.askedAtMs = Date.now();
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://platform');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (pathname === '/cgi-bin/stable_token') {
      const asked = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      return this.issue(String(asked.appid), asked.force_refresh === true);
    }
    if (pathname === '/cgi-bin/token') return this.issue(searchParams.get('appid') ?? '', true);
    this.triedAtMs = Date.now();
    const isAlive = this.isAlive(searchParams.get('access_token') ?? '');
    return isAlive ? { ip_list: [] } : { errcode: 40001, errmsg: 'invalid credential' };
  }
}

/** Resolves when the time is so long ago. */
async function since(lastAtMs: () => number, ms: number): Promise<void> {
  const startedAtMs = Date.now();
  for (;;) {
    const leftMs = Math.max(lastAtMs(), startedAtMs) + ms - Date.now();
    if (leftMs <= 0) return;
    await sleep(leftMs);
  }
}
