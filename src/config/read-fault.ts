/** Stands where a text should be, and says why it could not be had. Holds nothing of a file's content. */
export class ReadFault {
  constructor(readonly text: string) {}
}
