/** The push log keeps room for the result of each row. */
import type { Kysely } from 'kysely';
import { keepRoomInPartitions } from '../table-options';

export const up = (db: Kysely<unknown>): Promise<void> => keepRoomInPartitions(db, 'pushes');
