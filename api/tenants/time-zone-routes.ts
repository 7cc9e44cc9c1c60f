/** Time zones that a tenant can have. */
import { z } from 'zod';
import { plainRoute, type Route } from '../routing/define-route';
import { listTimeZones } from './time-zones';

export const timeZoneRoutes: readonly Route[] = [
  plainRoute({
    method: 'get',
    path: '/v1/time-zones',
    operationId: 'listTimeZones',
    tag: 'Time zones',
    summary: 'List the time zones',
    answers: {
      200: {
        description: 'Names of the IANA time zone database. Older names of the same zones are accepted too.',
        schema: z.object({ data: z.array(z.string()), next_cursor: z.null() }),
      },
    },
    async run() {
      return { status: 200, body: { data: [...listTimeZones()], next_cursor: null } };
    },
  }),
];
