import { Controller, Get, Module } from '@nestjs/common';
import { Api, type ApiRoute } from '../common/api-route.js';
import { boolean, object, text, time, type FromSchema } from '../common/schema.js';
import { rfc3339 } from '../tokens/token.view.js';
import { ConfigStatus } from './config-status.js';

const texts = { type: 'array', items: text } as const;

const statusSchema = object({
  loaded_at: time,
  sha256: { ...text, nullable: true, description: 'Of the file that is in force.' },
  ok: boolean,
  faults: texts,
  restart_required: texts,
});

const READ_STATUS: ApiRoute = {
  access: 'token:admin',
  summary: 'How it stands with the configuration of this replica',
  description:
    'A file with faults changes nothing: `faults` says what is wrong with it, and `loaded_at` and `sha256` are of the file that is in force.',
  answers: {
    200: {
      description: 'The state',
      schema: statusSchema,
      example: {
        loaded_at: '2026-11-21T08:00:00.000Z',
        sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        ok: true,
        faults: [],
        restart_required: ['server.port'],
      },
    },
  },
};

@Controller('config')
class ConfigController {
  constructor(private readonly config: ConfigStatus) {}

  @Get('status')
  @Api(READ_STATUS)
  status(): FromSchema<typeof statusSchema> {
    const { loadedAtMs, sha256, faults, restartRequired } = this.config.state;
    return {
      loaded_at: rfc3339(loadedAtMs),
      sha256,
      ok: faults.length === 0,
      faults: [...faults],
      restart_required: [...restartRequired],
    };
  }
}

/** Needs a global `ConfigStatus`. */
@Module({ controllers: [ConfigController] })
export class ConfigStatusModule {}
