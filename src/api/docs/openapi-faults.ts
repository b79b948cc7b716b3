import { problem, type ProblemCode, type ProblemHints } from '../common/problem.js';

/** One error of a route: its code, an example of its text, and hints. */
export type Fault = readonly [code: ProblemCode, detail: string, hints?: ProblemHints];

interface FaultResponse {
  description: string;
  content: Record<string, { schema: object; examples: object }>;
}

/** The error answers of a route. One status may bear several codes. */
export function openApiFaults(...list: readonly Fault[]): Record<string, FaultResponse> {
  const responses: Record<string, FaultResponse> = {};
  const problems = list.map((fault) => problem(...fault));
  for (const status of new Set(problems.map((each) => each.status))) {
    const same = problems.filter((each) => each.status === status);
    responses[status] = {
      description: same.map(({ code }) => code).join(', '),
      content: {
        'application/problem+json': {
          schema: { $ref: '#/components/schemas/Problem' },
          examples: Object.fromEntries(same.map((value) => [value.code, { value }])),
        },
      },
    };
  }
  return responses;
}
