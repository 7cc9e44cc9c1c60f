/**
 * The seeds of hostile sessions: each session has its own, derived from TEST_SEED and its number, so that it
 * can be repeated alone by HOSTILE_SEED.
 */
import { Random } from '../support/random';

const NUMBER_FACTOR = 0x9e3779b1;
const SEED_MAX = 2 ** 32 - 1;

export const sessionSeed = (testSeed: number, number: number): number =>
  new Random((testSeed ^ Math.imul(number, NUMBER_FACTOR)) >>> 0).between(1, SEED_MAX);

/** The choices of one part of a session, such as its third answer. */
export const randomOf = (seed: number, part: number): Random => new Random((seed + part * 7_919) >>> 0);
