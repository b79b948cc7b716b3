/** What became of the configuration that was read last. */
export interface ConfigState {
  /** When what is in force was read, on the wall clock. */
  readonly loadedAtMs: number;
  /** Of the file that is in force, in hex; null where there is none, and the environment says all. */
  readonly sha256: string | null;
  /** What is wrong with the newest file, a sentence each: nothing of that file is in force. Holds no secret. */
  readonly faults: readonly string[];
  /** Paths of what the file that is in force says, and what holds only after a restart. */
  readonly restartRequired: readonly string[];
}

/** Knows how it stands with the configuration. */
export abstract class ConfigStatus {
  abstract readonly state: ConfigState;
}

const MAX_HEADER_CHARACTERS = 300;

/** The state in one line, as the header `x-config-status` has it: `ok`, the first fault, or what waits for a restart. */
export function statusLine({ faults, restartRequired }: ConfigState): string {
  const [fault] = faults;
  if (fault !== undefined) return headerText(`faulty: ${fault}`);
  return restartRequired.length === 0 ? 'ok' : headerText(`restart_required: ${restartRequired.join(', ')}`);
}

function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, '?').slice(0, MAX_HEADER_CHARACTERS);
}
