import { statSync } from 'node:fs';
import type { Config } from '../config/config.js';
import { loadConfig, type LoadConfigOptions } from '../config/load-config.js';
import type { ConfigSource } from '../composition/runtime.module.js';

const ABSENT = 'absent';

/** The file of the configuration and all those that it is read with, and what each looked like then. */
export class ConfigFiles implements ConfigSource {
  private read = new Map<string, string>();

  constructor(
    private readonly env: NodeJS.ProcessEnv,
    private readonly options: LoadConfigOptions,
  ) {}

  get path(): string | null {
    const { BROKER_CONFIG: path = '' } = this.env;
    return path === '' ? null : path;
  }

  load(): Config {
    const read = new Map<string, string>();
    this.read = read;
    // What a file looks like before it is read: a change while it is read is seen by the next look.
    return loadConfig(this.env, {
      ...this.options,
      onFile: (path) => {
        read.set(path, signatureOf(path));
      },
    });
  }

  look(): { readonly signature: string; readonly isChanged: boolean; readonly isComplete: boolean } {
    const now = [...this.read.keys()].map(signatureOf);
    return {
      signature: now.join('\n'),
      isChanged: [...this.read.values()].some((before, index) => before !== now[index]),
      isComplete: !now.includes(ABSENT),
    };
  }
}

/** Changes with every new content, as far as a look without reading can tell. */
function signatureOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return ABSENT;
  }
}
