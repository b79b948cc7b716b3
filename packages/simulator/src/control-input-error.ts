/** Somebody asked the simulator for what it cannot do. The message starts with the name of the field at fault. */
export class ControlInputError extends Error {
  override readonly name = 'ControlInputError';
}
