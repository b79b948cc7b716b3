import { appNamed, SHOP } from '../../test/support/app-identity.js';
import { createBroker } from '../../test/support/create-broker.js';
import { StoreUnavailableError } from '../core/errors.js';
import { describeTokenStore } from '../core/ports/token-store.contract.js';
import { MeasuredTokenStore } from './measured-token-store.js';
import { MetricCatalogue } from './metric-catalogue.js';

const BLOG = appNamed('blog');
const NOTHING = { record: null, committed: 0 };

function measured() {
  const { store, clock } = createBroker();
  const metrics = new MetricCatalogue();
  return { store, clock, metrics, measured: new MeasuredTokenStore(store, clock, metrics) };
}

async function text({ registry }: MetricCatalogue): Promise<string> {
  return registry.metrics();
}

describeTokenStore('a measured store', async () => {
  const { store, lease, clock } = createBroker();
  const measuredStore = new MeasuredTokenStore(store, clock, new MetricCatalogue());
  return { store: measuredStore, lease, elapse: (ms) => clock.advance(ms) };
});

describe('a measured store', () => {
  it('does what the store does, and says that it is up', async () => {
    const { store, metrics, measured: subject } = measured();
    expect(await subject.reconcile(SHOP, NOTHING)).toEqual(await store.read(SHOP));
    expect(await text(metrics)).toContain('tokenbroker_store_up 1\n');
  });

  it('times each command', async () => {
    const { store, clock, metrics, measured: subject } = measured();
    store.read = async (...args) => {
      await clock.advance(30);
      return store.reconcile(...args, NOTHING);
    };
    await subject.read(SHOP);
    const samples = await text(metrics);
    const bucket = 'tokenbroker_store_command_duration_seconds_bucket';
    expect(samples).toContain(`${bucket}{le="0.025",command="read"} 0\n`);
    expect(samples).toContain(`${bucket}{le="0.05",command="read"} 1\n`);
    expect(samples).toContain('tokenbroker_store_command_duration_seconds_count{command="commit"} 0\n');
  });

  it('says that it is down as long as it gives no answer', async () => {
    const { store, metrics, measured: subject } = measured();
    const answering = store.reconcile.bind(store);
    store.reconcile = () => Promise.reject(new StoreUnavailableError('connection is closed'));
    await expect(subject.reconcile(SHOP, NOTHING)).rejects.toThrow('connection is closed');
    expect(await text(metrics)).toContain('tokenbroker_store_up 0\n');
    store.reconcile = answering;
    await subject.reconcile(SHOP, NOTHING);
    expect(await text(metrics)).toContain('tokenbroker_store_up 1\n');
  });

  it('says that it is down as long as it answers for some apps only', async () => {
    const { store, metrics, measured: subject } = measured();
    const answering = store.reconcile.bind(store);
    store.reconcile = (app, known) =>
      app === BLOG ? Promise.reject(new StoreUnavailableError('gone')) : answering(app, known);
    await expect(subject.reconcile(BLOG, NOTHING)).rejects.toThrow('gone');
    await subject.reconcile(SHOP, NOTHING);
    expect(await text(metrics)).toContain('tokenbroker_store_up 0\n');
    store.reconcile = answering;
    await subject.reconcile(BLOG, NOTHING);
    expect(await text(metrics)).toContain('tokenbroker_store_up 1\n');
  });

  it('compares the clocks', async () => {
    const { clock, metrics, measured: subject } = measured();
    clock.stepWallClock(-90_000);
    await subject.reconcile(SHOP, NOTHING);
    expect(await text(metrics)).toContain('tokenbroker_clock_skew_seconds 90\n');
  });
});
