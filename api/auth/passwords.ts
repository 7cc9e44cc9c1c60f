/**
 * Passwords: argon2id with the first settings that OWASP recommends (19 MiB, 2 passes, parallelism 1). 12 to
 * 128 characters and no other rule: length matters most, and rules about the characters make people write
 * passwords down.
 */
import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { z } from 'zod';

const LENGTH_MIN = 12;
const LENGTH_MAX = 128;

/**
 * A new password. Characters are counted after Unicode normalization (NFC), the only change made to the text.
 */
export const chosenPassword = z
  .string()
  .max(4 * LENGTH_MAX)
  .refine((text) => countCharacters(text) >= LENGTH_MIN, `must have at least ${LENGTH_MIN} characters`)
  .refine((text) => countCharacters(text) <= LENGTH_MAX, `must have at most ${LENGTH_MAX} characters`)
  .meta({
    minLength: LENGTH_MIN,
    maxLength: LENGTH_MAX,
    description: `${LENGTH_MIN} to ${LENGTH_MAX} characters of any kind.`,
  });

/** A password to be checked. */
export const presentedPassword = z.string().max(4 * LENGTH_MAX);

const countCharacters = (text: string): number => Array.from(text.normalize('NFC')).length;

export async function hashPassword(password: string): Promise<string> {
  return hash(password.normalize('NFC'));
}

let dummyHash: Promise<string> | undefined;

/**
 * Takes the same time if there is no hash to compare with, so the time does not reveal which accounts exist
 * (rules.md S9).
 */
export async function isPassword(password: string, passwordHash: string | null): Promise<boolean> {
  dummyHash ??= hash(randomBytes(32));
  const isSame = await verify(passwordHash ?? (await dummyHash), password.normalize('NFC'));
  return isSame && passwordHash !== null;
}
