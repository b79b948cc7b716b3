import { Controller, Get, Module } from '@nestjs/common';
import { Api, type ApiRoute } from '../common/api-route.js';
import { boolean, object, rfc3339, text, time, type FromSchema } from '../common/schema.js';

/** What became of the configuration that was read last. */
export interface ConfigState {
  /** When what is in force was read, on the wall clock. */
  readonly loadedAtMs: number;
  /** Of the file that is in force, in hex; null where there is none, and the environment says all. */
  readonly sha256: string | null;
  /** What is wrong with the newest file, a sentence each: nothing of that file is in force. Holds no secret. */
  readonly faults: readonly string[];
  /** Paths of what the file that is in force says, and what holds only after a restart. */
  readonly restartRequired: readonly string[];
}

/** Knows how it stands with the configuration. */
export abstract class ConfigStatus {
  abstract readonly state: ConfigState;
}

const MAX_HEADER_CHARACTERS = 300;

/** The state in one line, as the header `x-config-status` has it: `ok`, the first fault, or what waits for a restart. */
export function statusLine({ faults, restartRequired }: ConfigState): string {
  const [fault] = faults;
  if (fault !== undefined) return headerText(`faulty: ${fault}`);
  return restartRequired.length === 0 ? 'ok' : headerText(`restart_required: ${restartRequired.join(', ')}`);
}

function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, '?').slice(0, MAX_HEADER_CHARACTERS);
}

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
