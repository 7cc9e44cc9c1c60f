/** How many exports one process sends at once: a slow reader keeps its place for long. */

const AT_ONCE = 4;
/** Admins of one tenant leave places to others. */
const OF_A_TENANT = 2;

export class ExportPlaces {
  readonly #readers: string[] = [];

  /**
   * @param tenantId of the admin who reads; null = an operator.
   * @returns frees the place; undefined = none is free.
   */
  take(tenantId: string | null): (() => void) | undefined {
    const reader = tenantId ?? 'platform';
    const own = this.#readers.filter((one) => one === reader).length;
    if (this.#readers.length >= AT_ONCE || (tenantId !== null && own >= OF_A_TENANT)) return undefined;
    this.#readers.push(reader);
    return () => void this.#readers.splice(this.#readers.indexOf(reader), 1);
  }
}
