/** The hash that decides "no net change" (rules.md 5): 128 bits of SHA-256, as text. */
import { createHash } from 'node:crypto';
import { type PushTarget, targetText } from '../../domain/records/mapping';

/** null = the record cannot be mapped, so it has no payload and never equals an earlier result. */
export function hashOfTarget(target: PushTarget): string | null {
  const text = targetText(target);
  return text === null ? null : createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
