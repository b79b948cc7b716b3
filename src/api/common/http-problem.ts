import type { ProblemCode, ProblemHints } from './problem.js';

export interface HttpProblemOptions extends ProblemHints {
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the body. */
  readonly members?: object;
}

/** An answer other than success that the edge itself decides on. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';

  constructor(
    readonly code: ProblemCode,
    detail: string,
    readonly options: HttpProblemOptions = {},
  ) {
    super(detail);
  }
}
