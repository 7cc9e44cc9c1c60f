/** Prepares a third party's text for storage and display. */
import { excerpt } from '../../http-errors';

/**
 * One line of sensible length, without control characters and without halves of characters, which PostgreSQL
 * refuses in JSON.
 */
export function words(text: string): string {
  return excerpt(text).replaceAll(/\p{Surrogate}/gu, '�');
}
