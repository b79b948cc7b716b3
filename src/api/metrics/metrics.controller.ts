import { Controller, Get, Res, Module } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Clock } from '../../core/ports/clock.js';
import { text } from '../common/schema.js';
import { OnceASecond } from '../common/once-a-second.js';
import { Api, type ApiRoute } from '../common/api-route.js';

/** What Prometheus is given. */
export abstract class MetricsSource {
  abstract readonly contentType: string;
  abstract render(): Promise<Buffer>;
}

/** Renderings that may be on their way to readers at a time: with 1,000 apps each has 5 MB. */
const MAX_RENDERINGS = 4;

interface Rendering {
  readonly bytes: Promise<Buffer>;
  readonly readers: Set<FastifyReply['raw']>;
}

const SCRAPE: ApiRoute = {
  access: 'public',
  port: 'admin',
  summary: 'Metrics for Prometheus',
  description: 'On `server.adminPort`, where that is configured.',
  answers: { 200: { description: 'Text format 0.0.4', type: 'text/plain', schema: text } },
};

/** GET /metrics. All who ask within a second get the same bytes, and whoever does not read them within some seconds is cut off. */
@Controller('metrics')
class MetricsController {
  private readonly newest: OnceASecond<Rendering>;
  private readonly renderings: Rendering[] = [];

  constructor(
    private readonly source: MetricsSource,
    clock: Clock,
  ) {
    this.newest = new OnceASecond(clock, () => this.render());
  }

  @Get()
  @Api(SCRAPE)
  async scrape(@Res() reply: FastifyReply): Promise<void> {
    const { bytes, readers } = this.newest.get();
    readers.add(reply.raw);
    reply.raw.once('close', () => readers.delete(reply.raw));
    const body = await bytes;
    void reply.headers({ 'content-type': this.source.contentType, 'cache-control': 'no-store' }).send(body);
  }

  private render(): Rendering {
    const rendering = { bytes: this.source.render(), readers: new Set<FastifyReply['raw']>() };
    this.renderings.push(rendering);
    const [oldest] = this.renderings;
    if (this.renderings.length > MAX_RENDERINGS) {
      this.renderings.shift();
      for (const reader of oldest?.readers ?? []) reader.destroy();
    }
    return rendering;
  }
}

@Module({ controllers: [MetricsController] })
export class MetricsModule {}
