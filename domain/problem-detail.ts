/** What is wrong with one value of a document. */
export interface ProblemDetail {
  /** JSON Pointer to the value. */
  pointer: string;
  code: string;
  /** For people. */
  message: string;
}

/**
 * A JSON Pointer (RFC 6901). Lone surrogates become U+FFFD and NUL becomes U+2400, so that the pointer itself
 * is valid text.
 */
export function pointerTo(path: readonly (string | number)[]): string {
  return path
    .map(
      (part) =>
        `/${String(part).slice(0, 200).replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('\0', '\u2400')}`,
    )
    .join('')
    .replaceAll(/\p{Surrogate}/gu, '\uFFFD');
}
