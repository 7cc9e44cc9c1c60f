/**
 * Tokens by which a third party lists what has changed: the end of a list gives one, and the next reading
 * begins with it. `validate-sync-token.ts` checks the combinations.
 */
import { z } from 'zod';
import { AnswerSign, callShape, DetailCall } from './config-call';
import { HeaderName, JsonObject, JsonPointer, parameterName, parameterPlace } from './config-values';

/** In the response. */
const place = { at: JsonPointer.optional(), header: HeaderName.optional() };

export const SyncToken = z.strictObject({
  ...place,
  /** Absent: the token is the address of the next reading. */
  parameter: parameterName('the token').optional(),
  ...parameterPlace,
  /** What is answered to a token that is no longer known. The whole list is read then. */
  expired: z.array(AnswerSign).min(1, 'Name an answer, usually 410.').default([410]),
  /** The call that reads each changed record, for lists of changes that show only what has changed. */
  detail: DetailCall.optional(),
  /** Of `changes`: the call that gives the token of now, before the whole list is read. */
  start: z
    .strictObject({
      ...callShape,
      method: z.enum(['GET', 'POST']).optional(),
      body: JsonObject.optional(),
      ...place,
    })
    .optional(),
});

export type SyncTokenConfig = z.output<typeof SyncToken>;
