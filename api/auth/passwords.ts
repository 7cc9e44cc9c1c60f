/**
 * Passwords: argon2id with the settings that OWASP names first (19 MiB, 2 passes, one lane). 12 to 128 characters and no other rule:
 * length is what counts, and rules about what is in it make people write it down.
 */
import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { z } from 'zod';

const LENGTH_MIN = 12;
const LENGTH_MAX = 128;

/** A password that is chosen. Its characters are counted as people count them; nothing of it is trimmed or changed but the spelling of accents. */
export const chosenPassword = z
  .string()
  .max(4 * LENGTH_MAX)
  .refine((text) => countCharacters(text) >= LENGTH_MIN, `has at least ${LENGTH_MIN} characters`)
  .refine((text) => countCharacters(text) <= LENGTH_MAX, `has at most ${LENGTH_MAX} characters`)
  .meta({ description: `${LENGTH_MIN} to ${LENGTH_MAX} characters of any kind.` });

/** A password that is tried. */
export const presentedPassword = z.string().max(4 * LENGTH_MAX);

const countCharacters = (text: string): number => Array.from(text.normalize('NFC')).length;

export async function hashPassword(password: string): Promise<string> {
  return hash(password.normalize('NFC'));
}

let nobodys: Promise<string> | undefined;

/** Takes as long where there is no hash to compare with: nobody learns from it who is known here (rules.md S9). */
export async function isPassword(password: string, passwordHash: string | null): Promise<boolean> {
  nobodys ??= hash(randomBytes(32));
  const isSame = await verify(passwordHash ?? (await nobodys), password.normalize('NFC'));
  return isSame && passwordHash !== null;
}
