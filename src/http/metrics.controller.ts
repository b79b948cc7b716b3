import { Controller, Get, Header, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public } from './public.decorator.js';

/** What Prometheus is given. */
export abstract class MetricsSource {
  abstract readonly contentType: string;
  abstract render(): Promise<string>;
}

@Controller('metrics')
export class MetricsController {
  constructor(private readonly source: MetricsSource) {}

  @Get()
  @Public()
  @Header('cache-control', 'no-store')
  async scrape(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    reply.header('content-type', this.source.contentType);
    return this.source.render();
  }
}
