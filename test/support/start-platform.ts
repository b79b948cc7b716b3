import { type SimulatorOptions, WechatSimulator } from '@access-token-broker/simulator';

const simulators = new Set<WechatSimulator>();

afterAll(async () => {
  await Promise.all([...simulators].map((simulator) => simulator.stop()));
});

/** A simulated WeChat on a free port of this process, which stops with the test file, if not before. */
export async function startPlatform(options: SimulatorOptions): Promise<WechatSimulator> {
  const simulator = new WechatSimulator({ users: ['o-1'], ...options });
  simulators.add(simulator);
  await simulator.start();
  return simulator;
}
