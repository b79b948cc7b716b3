import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Problem } from './problem.js';

/** Ends a connection with a problem, where the framework has no part in it. */
export function endWithProblem(response: ServerResponse, problem: Problem): void {
  const { headers, body } = parts(problem);
  response.writeHead(problem.status, headers).end(body);
}

/** The same as text, for a socket without a response. */
export function rawProblem(problem: Problem): string {
  const { headers, body } = parts(problem);
  const status = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}`;
  const head = [status, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

function parts(problem: Problem): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify(problem);
  const headers = {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    ...(problem.retry_after !== undefined && { 'Retry-After': String(problem.retry_after) }),
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  return { headers, body };
}
