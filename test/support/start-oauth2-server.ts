import { Oauth2Simulator, type Oauth2Options } from '@access-token-broker/simulator';

export type { FaultSpec, Oauth2Options, Oauth2Simulator } from '@access-token-broker/simulator';

const simulators = new Set<Oauth2Simulator>();

afterAll(async () => {
  await Promise.all([...simulators].map((simulator) => simulator.stop()));
});

/** A simulated OAuth 2 server on a free port of this process, which stops with the test file, if not before. */
export async function startOauth2Server(options: Oauth2Options = {}): Promise<Oauth2Simulator> {
  const simulator = new Oauth2Simulator(options);
  simulators.add(simulator);
  await simulator.start();
  return simulator;
}
