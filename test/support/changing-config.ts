/* Imports nothing of ours: a test and a program that Node runs as it stands share it. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Within so long a change is in force. */
export const IN_FORCE_WITHIN_MS = 2000;
const EXTRA_APPS = 4;
const GUESTS = 6;
const SCOPES = ['token:read', 'token:refresh', 'ticket:read'] as const;

interface Account {
  readonly name: string;
  readonly appId: string;
  readonly appSecret: string;
}

interface Guest {
  keys: string[];
  scopes: string[];
  apps: string[] | '*';
  rate: number;
}

const newKey = () => `tbk_${randomBytes(32).toString('base64url')}`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/**
 * A configuration that changes at random: clients, keys, scopes, apps, rates and times of refresh. The apps `base-…` stay, and so
 * do what the client `steady` may do and the operator's key.
 */
export class ChangingConfig {
  readonly steadyKey = newKey();
  readonly operatorKey = newKey();
  readonly accounts: readonly Account[];
  private readonly guests = new Map<string, Guest>();
  private readonly extras = new Set<string>();
  private readonly refresh = new Map<string, object>();
  /** Keys that are nobody's any more. */
  private readonly retired: string[] = [];
  private rootRate = 5000;
  private streamsPerClient = 50;

  private readonly random: () => number;
  private readonly sections: object;

  /** @param random in [0, 1) @param sections that stay, among them `redis` */
  constructor(random: () => number, sections: object) {
    this.random = random;
    this.sections = sections;
    const account = (name: string): Account => ({
      name,
      appId: `wx${randomBytes(8).toString('hex')}`,
      appSecret: randomBytes(16).toString('hex'),
    });
    const extras = Array.from({ length: EXTRA_APPS }, (_, index) => account(`extra-${index}`));
    this.accounts = [account('base-0'), account('base-1'), ...extras];
  }

  /** Makes one change, and says which. */
  change(): string {
    const guest = `guest-${this.below(GUESTS)}`;
    const known = this.guests.get(guest);
    if (!known) {
      this.guests.set(guest, {
        keys: [newKey()],
        scopes: this.someOf(SCOPES),
        apps: this.someApps(),
        rate: 1000,
      });
      return `client ${guest} comes`;
    }
    const changes: (() => string)[] = [
      () => {
        this.guests.delete(guest);
        this.retired.push(...known.keys);
        return `client ${guest} goes`;
      },
      () => {
        known.keys.push(newKey());
        this.retired.push(...known.keys.splice(0, known.keys.length - 1 - this.below(2)));
        return `keys of ${guest}`;
      },
      () => {
        known.scopes = this.someOf(SCOPES);
        return `scopes of ${guest}: ${known.scopes.join(', ')}`;
      },
      () => {
        known.apps = this.someApps();
        return `apps of ${guest}: ${String(known.apps)}`;
      },
      () => {
        known.rate = 100 + this.below(5000);
        return `rate of ${guest}: ${known.rate}`;
      },
      () => this.comesOrGoes(`extra-${this.below(EXTRA_APPS)}`),
      () => this.comesOrGoes(`extra-${this.below(EXTRA_APPS)}`),
      () => {
        const app = this.oneOf(this.present);
        this.refresh.set(app, {
          aheadSeconds: 600 + this.below(2000),
          jitterSeconds: this.below(60),
          dailyBudget: 200 + this.below(100),
          reconcileSeconds: 5 + this.below(5),
        });
        return `refresh of ${app}`;
      },
      () => {
        this.rootRate = 1000 + this.below(9000);
        this.streamsPerClient = 10 + this.below(90);
        return `rate and limits of all`;
      },
    ];
    return this.oneOf(changes)();
  }

  private comesOrGoes(app: string): string {
    if (!this.extras.delete(app)) {
      this.extras.add(app);
      return `app ${app} comes`;
    }
    this.refresh.delete(app);
    for (const guest of this.guests.values()) {
      if (guest.apps === '*') continue;
      guest.apps = guest.apps.filter((name) => name !== app);
      if (guest.apps.length === 0) guest.apps = '*';
    }
    return `app ${app} goes`;
  }

  /** The file. */
  text(platformUrl: string): string {
    const client = (name: string, keys: readonly string[], rights: object) => ({
      name,
      keySha256: keys.map(sha256),
      ...rights,
    });
    return JSON.stringify({
      ...this.sections,
      rate: { requestsPerSecond: this.rootRate },
      limits: { streamsPerClient: this.streamsPerClient },
      // Retired keys are tried all the time.
      auth: { failuresPerMinute: 1_000_000 },
      apps: this.accounts
        .filter(({ name }) => this.present.includes(name))
        .map((account) => ({
          ...account,
          grant: 'classic',
          apiBaseUrl: platformUrl,
          refresh: this.refresh.get(account.name) ?? {},
        })),
      clients: [
        client('steady', [this.steadyKey], {
          apps: '*',
          scopes: ['token:read'],
          rate: { requestsPerSecond: 1_000_000 },
        }),
        client('operator', [this.operatorKey], { apps: '*', scopes: ['token:admin'] }),
        ...[...this.guests].map(([name, { keys, scopes, apps, rate }]) =>
          client(name, keys, { apps, scopes, rate: { requestsPerSecond: rate } }),
        ),
      ],
    });
  }

  /** Some requests of `GET /token`, and the status that each of them has to have now. */
  questions(): { readonly key: string; readonly app: string; readonly status: number }[] {
    const apps = ['base-0', `extra-${this.below(EXTRA_APPS)}`];
    const guests = [...this.guests.values()].flatMap(({ keys, scopes, apps: visible }) =>
      keys.flatMap((key) =>
        apps.map((app) => {
          const isThere = this.present.includes(app) && (visible === '*' || visible.includes(app));
          return { key, app, status: !scopes.includes('token:read') ? 403 : isThere ? 200 : 404 };
        }),
      ),
    );
    return [...guests, ...this.retired.slice(-5).map((key) => ({ key, app: 'base-0', status: 401 }))];
  }

  private get present(): string[] {
    return ['base-0', 'base-1', ...this.extras];
  }

  private someApps(): string[] | '*' {
    return this.below(3) === 0 ? '*' : this.someOf(this.present);
  }

  private someOf(all: readonly string[]): string[] {
    const some = all.filter(() => this.below(2) === 0);
    return some.length > 0 ? some : [this.oneOf(all)];
  }

  private oneOf<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }

  private below(count: number): number {
    return Math.floor(this.random() * count);
  }
}

/** A mounted ConfigMap: a folder of versions, and a link to one of them that is swapped at once. */
export class MountedConfig {
  private readonly folder = mkdtempSync(join(tmpdir(), 'mounted-config-'));
  private versions = 0;

  /** For `BROKER_CONFIG`. */
  get path(): string {
    return join(this.folder, 'broker.yaml');
  }

  write(text: string): void {
    const before = `..v${this.versions}`;
    this.versions += 1;
    const version = `..v${this.versions}`;
    mkdirSync(join(this.folder, version));
    writeFileSync(join(this.folder, version, 'broker.yaml'), text);
    symlinkSync(version, join(this.folder, '..data_tmp'));
    renameSync(join(this.folder, '..data_tmp'), join(this.folder, '..data'));
    if (this.versions === 1) symlinkSync('..data/broker.yaml', this.path);
    else rmSync(join(this.folder, before), { recursive: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * Resolves when all replicas have the file, and each question its answer.
 *
 * @returns milliseconds until the last replica had the file
 * @throws Error that says what is not in force within `IN_FORCE_WITHIN_MS`
 */
export async function inForce(
  text: string,
  config: ChangingConfig,
  replicas: readonly { readonly url: string }[],
): Promise<number> {
  const startedAt = performance.now();
  const wanted = sha256(text);
  const ask = async (url: string, path: string, key: string) => {
    const answer = await fetch(url + path, { headers: { authorization: `Bearer ${key}` } });
    return { status: answer.status, body: await answer.text() };
  };
  const until = async (what: string, probe: () => Promise<boolean>) => {
    while (!(await probe())) {
      if (performance.now() - startedAt > IN_FORCE_WITHIN_MS) throw new Error(`not in force: ${what}`);
      await sleep(20);
    }
  };
  await Promise.all(
    replicas.map(({ url }) =>
      until(`the file, at ${url}`, async () =>
        (await ask(url, '/config/status', config.operatorKey)).body.includes(wanted),
      ),
    ),
  );
  const tookMs = performance.now() - startedAt;
  for (const { key, app, status } of config.questions()) {
    for (const { url } of replicas) {
      await until(
        `${String(status)} for ${app} at ${url}`,
        async () => (await ask(url, `/token?app=${app}`, key)).status === status,
      );
    }
  }
  return tookMs;
}
