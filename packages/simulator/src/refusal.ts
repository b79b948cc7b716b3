/** The platform says no: thrown by whatever handles a call, answered as HTTP 200 with `errcode` and `errmsg`. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(readonly errcode: number) {
    super(`errcode ${String(errcode)}`);
  }
}
