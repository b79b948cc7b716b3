import type { ReportAnswer, TokenReport } from '../../src/core/reports/token-report.js';
import { createBroker, type BrokerFixture } from './create-broker.js';

const APP = 'shop';

export async function started(refresh: Parameters<typeof createBroker>[0] = {}): Promise<BrokerFixture> {
  const fixture = createBroker(refresh);
  await fixture.start();
  return fixture;
}

export function report({ broker }: BrokerFixture, changes: Partial<TokenReport> = {}): Promise<ReportAnswer> {
  return broker.report(APP, { caller: 'orders', force: false, ...changes });
}

export function rotated(token: string): object {
  return { kind: 'answered', refreshed: true, reason: 'rotated', token: { record: { value: token } } };
}

export function kept(reason: string, token: string): object {
  return { kind: 'answered', refreshed: false, reason, token: { record: { value: token } } };
}
