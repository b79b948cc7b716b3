import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { generateApiKey } from '../config/api-key.js';
import type { Config } from '../config/config.js';
import { DEFAULT_FILE } from '../config/environment.js';
import { ConfigError } from '../config/faults.js';
import { loadConfig } from '../config/load-config.js';
import type { ErrorCode } from '../core/error-code.js';
import type { Clock } from '../core/ports/clock.js';
import type { Redactor } from '../core/redaction/redactor.js';
import { tryToken } from '../diagnose/check-platform.js';

const SECRET_FILE = 'broker.app-secret';
/** A platform counts each try. */
const MAX_TRIALS = 30;

/** What cannot be done, and why; `field` is the one of the request that has to change. */
export class SetupFault extends Error {
  constructor(
    readonly code: 'invalid_request' | 'not_checked' | 'file_exists' | 'too_many_requests',
    detail: string,
    readonly field?: string,
  ) {
    super(detail);
  }
}

export interface Account {
  readonly appId: string;
  readonly appSecret: string;
}

/** What the platform says to AppID and AppSecret. */
export interface TrialView {
  readonly ok: boolean;
  /** Of the token that it gave, which nobody is shown. */
  readonly expires_in: number | null;
  readonly errcode: ErrorCode | null;
  readonly message: string | null;
  readonly remedy: string | null;
  /** By which the platform sees this machine, and that its whitelist lacks; null where it does not say so. */
  readonly address: string | null;
}

export interface WrittenSetup {
  readonly configFile: string;
  readonly secretFile: string;
  /** API keys, which stand nowhere but here. */
  readonly keys: { readonly services: string; readonly operator: string };
}

/** Tries an account, and writes the first configuration for it. */
export class Setup {
  private trials = 0;
  private good: Account | null = null;

  /** @param folder where the files go, and where `DEFAULT_FILE` is looked for at the next start */
  constructor(
    private readonly env: NodeJS.ProcessEnv,
    private readonly folder: string,
    private readonly redactor: Redactor,
    private readonly clock: Clock,
  ) {}

  /** Asks the platform for a token, which with the default grant kills none. Throws `SetupFault` for what cannot be an account. */
  async try(account: Account): Promise<TrialView> {
    const { apps, egress } = this.configOf(account);
    const [app] = apps;
    if (!app) throw new Error('an account makes an app');
    if (this.trials >= MAX_TRIALS) {
      const text = 'That were too many tries. Start the broker again for more of them.';
      throw new SetupFault('too_many_requests', text);
    }
    this.trials += 1;
    const trial = await tryToken(app, egress, this.clock);
    if (trial?.kind === 'issued') {
      this.good = account;
      const expires_in = trial.expiresInSeconds;
      return { ok: true, expires_in, errcode: null, message: null, remedy: null, address: null };
    }
    if (!trial) throw new Error('the app of the first run has a token');
    const { errcode, message, remedy } = trial;
    return {
      ok: false,
      expires_in: null,
      errcode,
      message: this.redactor.redact(message),
      remedy: this.redactor.redact(remedy),
      address: addressIn(message),
    };
  }

  /** Writes the files, readable for their owner alone. Throws `SetupFault`, and then has written nothing. */
  write(name: string, account: Account): WrittenSetup {
    if (this.good?.appId !== account.appId || this.good.appSecret !== account.appSecret) {
      throw new SetupFault(
        'not_checked',
        'The platform has given no token for this AppID and AppSecret yet: test them first.',
      );
    }
    const [configFile, secretFile] = [join(this.folder, DEFAULT_FILE), join(this.folder, SECRET_FILE)];
    for (const file of [configFile, secretFile]) {
      if (!existsSync(file)) continue;
      throw new SetupFault(
        'file_exists',
        `${file} is there already, and is not written over. Move it away, and try again.`,
      );
    }
    const [services, operator] = [generateApiKey(), generateApiKey()];
    const written: string[] = [];
    const write = (file: string, text: string): void => {
      writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
      written.push(file);
    };
    try {
      write(secretFile, `${account.appSecret}\n`);
      write(
        configFile,
        configText({
          name,
          appId: account.appId,
          secretFile,
          services: services.sha256,
          operator: operator.sha256,
        }),
      );
      loadConfig({ ...this.env, BROKER_CONFIG: configFile }, { redactor: this.redactor });
    } catch (error) {
      for (const file of written) rmSync(file);
      if (error instanceof ConfigError) throw asSetupFault(error);
      const { message } = error as Error;
      throw new SetupFault('invalid_request', `The files cannot be written: ${message}`);
    }
    return { configFile, secretFile, keys: { services: services.key, operator: operator.key } };
  }

  private configOf({ appId, appSecret }: Account): Config {
    const account = {
      BROKER_APP_ID: appId,
      BROKER_APP_SECRET: appSecret,
      BROKER_API_KEY: generateApiKey().key,
    };
    try {
      return loadConfig({ ...this.env, ...account }, { redactor: this.redactor });
    } catch (error) {
      throw error instanceof ConfigError ? asSetupFault(error) : error;
    }
  }
}

/** The fields of requests, by what a fault calls them. */
const FIELDS: readonly (readonly [RegExp, string])[] = [
  [/^BROKER_APP_ID\b|\.appId$/, 'app_id'],
  [/^BROKER_APP_SECRET\b|\.appSecret$/, 'app_secret'],
  [/^apps\b.*\.name$/, 'app'],
];

function asSetupFault({ faults }: ConfigError): SetupFault {
  for (const { path, text } of faults) {
    const [, field] = FIELDS.find(([pattern]) => pattern.test(path)) ?? [];
    if (field !== undefined) return new SetupFault('invalid_request', text, field);
  }
  // Of a variable of the environment: the page shows a line for each.
  const lines = faults.map(({ path, text }) => `${path}: ${text}`);
  return new SetupFault('invalid_request', lines.join('\n'));
}

function addressIn(message: string): string | null {
  return message.split(/[\s,]+/).find((word) => isIP(word) !== 0) ?? null;
}

function configText(values: {
  readonly name: string;
  readonly appId: string;
  readonly secretFile: string;
  readonly services: string;
  readonly operator: string;
}): string {
  const { name, appId, secretFile, services, operator } = values;
  return `# Written by the first run of access-token-broker. docs/configure.md says what else can stand here.
# What changes here takes effect within seconds, without a restart.
server:
  host: 127.0.0.1 # take this line out when services on other machines call the broker, and start it again
apps:
  - name: ${JSON.stringify(name)}
    appId: ${JSON.stringify(appId)}
    appSecret: { file: ${JSON.stringify(secretFile)} }
clients:
  - name: services
    keySha256: ["${services}"]
    apps: "*"
    scopes: ["token:read", "token:refresh"]
  - name: operator # whoever opens /console
    keySha256: ["${operator}"]
    apps: "*"
    scopes: ["token:admin", "console", "console:act"]
console: {}
`;
}
