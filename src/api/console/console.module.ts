import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { AppRows } from './app-rows.js';
import { ConsolePagesRoute, ConsolePages } from './console-pages.route.js';
import { ConsoleController } from './console.controller.js';
import { ConsoleGuard, ConsoleSessions } from './console.guard.js';
import { ConsoleSessionController } from './session.controller.js';
import { SessionCookies } from './session-cookie.js';
import { ConsoleStreams } from './console-streams.js';
import { SystemViews } from './console.views.js';

/** The console: its page, and what the page asks. Needs a global `ConsoleData` and `ConfigStatus`. */
@Module({})
export class ConsoleApiModule {
  static forRootAsync(
    cookies: Pick<FactoryProvider<SessionCookies>, 'inject' | 'useFactory'>,
  ): DynamicModule {
    return {
      module: ConsoleApiModule,
      controllers: [ConsoleSessionController, ConsoleController],
      providers: [
        { ...cookies, provide: SessionCookies },
        { provide: ConsolePages, useFactory: () => new ConsolePages() },
        AppRows,
        SystemViews,
        ConsoleSessions,
        ConsoleGuard,
        ConsoleStreams,
        ConsolePagesRoute,
      ],
    };
  }
}
