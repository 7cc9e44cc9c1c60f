/** The time zones that a tenant can choose. */
import { z } from 'zod';
import { defineRoute, type Route } from '../routing/define-route';
import { listTimeZones } from './time-zones';

export const timeZoneRoutes: readonly Route[] = [
  defineRoute({
    scope: 'plain',
    method: 'get',
    path: '/v1/time-zones',
    operationId: 'listTimeZones',
    tag: 'Time zones',
    summary: 'List the time zones',
    responses: {
      200: {
        description: 'Names in the IANA time zone database. Older names of the same zones are accepted too.',
        schema: z.object({ data: z.array(z.string()), next_cursor: z.null() }),
      },
    },
    async run() {
      return { status: 200, body: { data: [...listTimeZones()], next_cursor: null } };
    },
  }),
];
