/** The hash that decides "no net change" (rules.md 5): 128 bits of SHA-256, as text. */
import { createHash } from 'node:crypto';
import { type PushTarget, targetText } from '../../domain/records/mapping';

export function hashOfTarget(target: PushTarget): string {
  return createHash('sha256').update(targetText(target)).digest('base64url').slice(0, 22);
}
