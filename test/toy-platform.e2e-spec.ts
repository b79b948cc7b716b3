import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigReference } from '../ci/config-reference.js';
import { createFastifyAdapter } from '../src/api/common/create-fastify-adapter.js';
import { mountDocs } from '../src/api/docs/mount-docs.js';
import { AppModule } from '../src/app.module.js';
import { Config, NAMED_LISTS } from '../src/config/config.js';
import { ConfigError } from '../src/config/faults.js';
import { keysOf, sectionsOf } from '../src/config/keys.js';
import { loadConfig } from '../src/config/load-config.js';
import { Redactor } from '../src/core/redaction/redactor.js';
import { checkPlatform } from '../src/diagnose/check-platform.js';
import { EgressSection } from '../src/config/egress.section.js';
import { SystemClock } from '../src/core/system-clock.js';
import { createLogger, NestLogger } from '../src/observability/logger.js';
import { PLATFORMS, tokenShapes } from '../src/platforms/registry.js';
import type { Platform } from '../src/platforms/platform.js';
import { brokerConfig, newApiKey } from './support/broker-config.js';
import { eventually } from './support/eventually.js';
import { findLeaks } from './support/find-leaks.js';
import { request, type HttpAnswer } from './support/http-client.js';
import { tempFile } from './support/temp-file.js';
import { toy } from './toy-platform/toy.platform.js';
import { ToyServer } from './toy-platform/toy-server.js';

// The line in the registry.
(PLATFORMS as unknown as Platform[]).push(toy);

const KEY = newApiKey();
const PHRASE = 'open sesame, please';
const LIFE_SECONDS = 5;

function configFor(library: string, more: object = {}): object {
  const app = { name: 'reader', provider: 'toy', member: '123456', phrase: PHRASE, library, ...more };
  return {
    ...brokerConfig({ apps: [], keys: { orders: KEY } }),
    audit: { destination: tempFile('') },
    apps: [app],
  };
}

function load(config: object, redactor?: Redactor): Config {
  return loadConfig({ BROKER_CONFIG: tempFile(JSON.stringify(config)) }, redactor && { redactor });
}

function faultsOf(config: object): string[] {
  try {
    load(config);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
}

/** As main.ts does, but in this process, whose registry has one platform more. */
class ToyBroker {
  readonly lines: string[] = [];
  private app!: NestFastifyApplication;
  private url = '';

  async start(config: object): Promise<void> {
    const redactor = new Redactor(tokenShapes());
    const logger = createLogger('debug', redactor, { write: (line) => this.lines.push(line) });
    const loaded = load(config, redactor);
    const source = {
      path: null,
      load: () => loaded,
      look: () => ({ signature: '', isChanged: false, isComplete: true }),
    };
    this.app = await NestFactory.create<NestFastifyApplication>(
      AppModule.forRoot({ config: loaded, source, logger, redactor, replica: 'replica-1' }),
      createFastifyAdapter({ trustProxy: false, replica: 'replica-1' }),
      { logger: new NestLogger(logger), bodyParser: false, abortOnError: false },
    );
    await mountDocs(this.app);
    await this.app.listen(0, '127.0.0.1');
    this.url = await this.app.getUrl();
  }

  get(path: string): Promise<HttpAnswer> {
    return request(this.url + path, { key: KEY });
  }

  report(body: object): Promise<HttpAnswer> {
    return request(`${this.url}/token/refresh`, { method: 'POST', key: KEY, body });
  }

  async status(): Promise<Record<string, unknown>> {
    const [status] = JSON.parse((await this.get('/apps')).text) as Record<string, unknown>[];
    return status ?? {};
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}

describe('a platform of one folder and one line in the registry', () => {
  let server: ToyServer;
  let broker: ToyBroker;

  beforeAll(async () => {
    server = await ToyServer.start(PHRASE, LIFE_SECONDS);
    broker = new ToyBroker();
    await broker.start(configFor(server.url));
  });
  afterAll(async () => {
    await broker.close();
    server.close();
  });

  /** What GET /token answers once the platform takes the token. */
  const living = () =>
    eventually('a living token', async () => {
      const { body } = await broker.get('/token?app=reader');
      return server.accepts(body.access_token) && body;
    });

  it('is served, rotated ahead of time, and shown', async () => {
    const { generation } = await living();
    expect(await broker.status()).toMatchObject({
      app: 'reader',
      provider: 'toy',
      grant: 'pass',
      app_id: '123456',
      state: 'ok',
      fetch_budget: 500,
    });
    const { fetches } = server;
    await eventually('one more pass', () => server.fetches > fetches);
    await eventually('a newer generation', async () => (await living()).generation !== generation);
  });

  it('is healed by a report, in its own words for errors', async () => {
    // Unless a rotation that was due came first.
    await eventually('a dead pass replaced because of a report', async () => {
      const { access_token: pass } = await living();
      server.pass = null;
      const { body } = await broker.report({ access_token: pass, errcode: 'STALE' });
      return body.reason === 'rotated' && server.accepts(body.access_token);
    });
    const other = await broker.report({ errcode: 'NO_SUCH_ROOM' });
    expect(other.body).toMatchObject({ code: 'not_a_token_error', errcode: 'NO_SUCH_ROOM' });
    expect(other.text).toContain('Read the notice at the door.');
  });

  it('is measured, from 0 where its errors pass by themselves', async () => {
    await living();
    const { text } = await broker.get('/metrics');
    const lines = text.split('\n').filter((line) => line.includes('app="reader"'));
    expect(lines).toContain('tokenbroker_upstream_errors_total{app="reader",errcode="CLOSED"} 0');
    expect(lines).toContain('tokenbroker_token_suspect{app="reader"} 0');
    expect(lines.filter((line) => /errcode="-?\d+"/.test(line))).toEqual([]);
  });

  it('leaves neither its secret nor its tokens in the log, and hides what looks like one', async () => {
    const { access_token: pass } = await living();
    const log = broker.lines.join('');
    expect(findLeaks(log, { phrase: PHRASE, pass: String(pass) })).toEqual([]);
    expect(log.includes('token.rotated')).toBe(true);
    const unknown = `toypass-${'0123456789abcdef'.repeat(2)}`;
    expect(new Redactor(tokenShapes()).redact(unknown)).toBe('[redacted]');
  });

  it('has its quota counted by its own day', async () => {
    await living();
    server.phrase = 'another one, please';
    await broker.report({ force: true });
    const { last_error: error } = await broker.status();
    expect(error).toMatchObject({
      errcode: 'WRONG_PHRASE',
      remedy: expect.stringMatching(/librarian/) as string,
    });
    server.phrase = PHRASE;
    await broker.report({ force: true });
    expect(await broker.status()).toMatchObject({ last_error: null });
    for (let forced = 0; forced < 5; forced += 1) await broker.report({ force: true });
    const { status, text } = await broker.report({ force: true });
    expect([status, text]).toEqual([429, expect.stringContaining('the day begins at 00:00 UTC-5')]);
  });

  it('answers to diagnose', async () => {
    const app = { apiBaseUrl: server.url, provider: 'toy' };
    const findings = await checkPlatform(app, new EgressSection(), new SystemClock());
    expect(findings.at(-1)).toMatchObject({ step: 'answer', isGood: true });
    expect(findings.at(-1)?.text).toContain('STALE');
  });

  it('is an app as others are, in what OpenAPI says', async () => {
    const openapi = JSON.parse((await broker.get('/docs/openapi.json')).text) as {
      components: { schemas: { App: { properties: { provider: object } } } };
    };
    expect(openapi.components.schemas.App.properties.provider).toEqual({ type: 'string' });
  });
});

describe('in the configuration, a platform of one folder and one line in the registry', () => {
  const LIBRARY = 'https://library.example';

  it('has keys of its own, which are checked', () => {
    expect(faultsOf(configFor(LIBRARY))).toEqual([]);
    const faults = faultsOf(configFor('ftp://library.example', { member: '12', phrase: 'short', color: 1 }));
    expect(faults.filter((line) => line.includes('apps[0]'))).toEqual([
      expect.stringMatching(/apps\[0\]\.color/),
      expect.stringMatching(/apps\[0\]\.member: must be six digits/),
      expect.stringMatching(/apps\[0\]\.phrase: must be the phrase, of twelve characters or more/),
      expect.stringMatching(/apps\[0\]\.library: must be an http or https URL/),
    ]);
    expect(faults.join('\n')).not.toContain('short');
  });

  it('is known by its name', () => {
    expect(faultsOf(configFor(LIBRARY, { provider: 'toi' })).join('\n')).toMatch(/toy/);
  });

  it('has its defaults', () => {
    const { refresh } = load(configFor(LIBRARY)).apps[0] ?? {};
    expect(refresh).toMatchObject({ aheadSeconds: 1, dailyBudget: 500, forcedDailyBudget: 5 });
  });

  it('stands in the generated schemas and tables', () => {
    const reference = new ConfigReference({ Config, NAMED_LISTS, keysOf, sectionsOf });
    const { definitions } = reference.schema() as { definitions: Record<string, object> };
    expect(definitions.toy).toMatchObject({
      properties: { provider: { default: 'toy' }, member: { pattern: '^\\d{6}$' } },
    });
    expect(JSON.stringify(definitions.app)).toContain('#/definitions/toy');
    expect(reference.secretKeys()).toMatchObject({ toy: 'phrase' });
    expect(JSON.stringify(reference.chartDefinitions())).toContain('"toy"');
  });

  it('has to be put into a table of the page', () => {
    const reference = new ConfigReference({ Config, NAMED_LISTS, keysOf, sectionsOf });
    expect(() => reference.tables('')).toThrow(/toy/);
  });
});
