import 'reflect-metadata';
import { Optional, Section, SectionList } from '../constraints.js';
import { PLATFORMS } from '../../platforms/registry.js';
import type { AppSection } from './app.section.js';
import { AuditSection } from './audit.section.js';
import { ClientSection } from './client.section.js';
import { EncryptionSection } from './encryption.section.js';
import { RedisSection } from './redis.section.js';
import { ServerSection } from './server.section.js';
import { TracingSection } from './tracing.section.js';

const NO_APP =
  'no app is configured: without a file set BROKER_APP_ID and BROKER_APP_SECRET, else list one in the file that BROKER_CONFIG names';
const NO_CLIENT =
  'no caller is configured: without a file set BROKER_API_KEY, else list one with keySha256 in the file that BROKER_CONFIG names; ' +
  '`access-token-broker keygen` (also `npm run keygen`) makes a key';

/** The root of the file, with the environment laid over it. The sections' types hold only once they are validated. */
export class ConfigFile {
  @Section(() => ServerSection)
  server = new ServerSection();

  @Optional()
  @Section(() => RedisSection)
  redis?: RedisSection;

  @Optional()
  @Section(() => EncryptionSection)
  encryption?: EncryptionSection;

  @Section(() => AuditSection)
  audit = new AuditSection();

  @Optional()
  @Section(() => TracingSection)
  tracing?: TracingSection;

  @SectionList(() => PLATFORMS[0].section, NO_APP)
  apps: AppSection[] = [];

  @SectionList(() => ClientSection, NO_CLIENT)
  clients: ClientSection[] = [];
}
