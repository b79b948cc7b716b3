interface Entry {
  /** As configured: the label in metrics. */
  readonly text: string;
  readonly method: string;
  readonly path: RegExp;
}

/** The calls that a client may make through the gateway. */
export class AllowedCalls {
  private readonly entries: readonly Entry[];

  /** @param allow `POST /cgi-bin/message/**`: a method, or `*`, and a path whose `*` is one segment and `**` any number of them */
  constructor(allow: readonly string[]) {
    this.entries = allow.map((text) => {
      const [method = '', path = ''] = text.split(' ');
      return { text, method, path: patternOf(path) };
    });
  }

  /** The first entry that allows the call, as configured. @param path decoded */
  entryFor(method: string, path: string): string | undefined {
    return this.entries.find(
      (entry) => (entry.method === '*' || entry.method === method) && entry.path.test(path),
    )?.text;
  }
}

function patternOf(path: string): RegExp {
  const segments = path
    .split('/')
    .slice(1)
    .map((segment) => {
      if (segment === '**') return '(?:/[^/]+)*';
      return segment === '*' ? '/[^/]+' : `/${segment.replaceAll(/[.+]/g, '\\$&')}`;
    });
  return new RegExp(`^${segments.join('')}/?$`);
}
