/** What is wrong at one place. `path` is a key's path (`apps[1].appSecret`) or the name of an environment variable. */
export interface Fault {
  readonly path: string;
  readonly text: string;
}

/** The configuration cannot be used. The message has a line for each fault and holds no secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly Fault[]) {
    const lines = new Set(faults.map(({ path, text }) => `  ${path}: ${text}`));
    super(
      [`the configuration has ${lines.size === 1 ? 'a fault' : `${lines.size} faults`}:`, ...lines].join(
        '\n',
      ),
    );
  }
}
