import type { Cluster, ClusterApp, ClusterOptions } from './cluster.js';
import type { History } from './history.js';
import type { Replica } from './replica.js';

/** One way to hurt the brokers, and what has to come of it. */
export interface Scenario {
  readonly name: string;
  readonly cluster?: ClusterOptions;
  /** The replicas are started by `run`. */
  readonly isColdStart?: boolean;
  /** Clients report tokens that the platform refuses. */
  readonly reporting?: boolean;
  /** Clients send no `min_generation`, which has a replica look into the store. */
  readonly asksForAny?: boolean;
  /** Clients may be left without a token: there is none, or it expired. */
  readonly mayBeUnserved?: boolean;
  /** Platform and store fail together: a token may die before its successor could be fetched, or before others heard of it. */
  readonly isCutOff?: boolean;
  /** An old state is put back while no replica runs: a classic token in its overlap passes the first try of a starting replica. */
  readonly isPutBack?: boolean;
  /** Instead of the protocol's bound, where a platform that failed is asked again only after a back-off. */
  readonly convergedWithinMs?: number;
  /** What was done cannot heal within the run. */
  readonly endsUnwell?: boolean;
  /** Does it. Faults are counted as they are made; what is still on afterwards is healed. Throws when an expectation fails. */
  readonly run: (world: World) => Promise<void>;
}

/** What a scenario has in its hands. */
export interface World {
  readonly cluster: Cluster;
  readonly history: History;
  /** Counts faults, each of which may cost one fetch more, of one app or of all. */
  readonly fault: (count?: number, app?: ClusterApp) => void;
  /** Notes a step, so that a failed run tells what was done. */
  readonly did: (step: string) => void;
  /** Has a replica replace the token now, whatever it thinks of it. Resolves with the status of the answer. */
  readonly force: (app: ClusterApp, replica: Replica) => Promise<number>;
  /** Resolves when the platform has seen this many requests for a token more than before. */
  readonly platformSees: (app: ClusterApp, more: number) => Promise<void>;
}
