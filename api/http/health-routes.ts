/** For operators: liveness, readiness and the API description. */
import { z } from 'zod';
import { HttpError } from './http-error';
import { defineRoute, type Route } from '../routing/define-route';
import { jsonObject } from '../routing/common-schemas';

const ok = z.object({ status: z.literal('ok') });

export const healthRoutes: readonly Route[] = [
  defineRoute({
    scope: 'plain',
    method: 'get',
    path: '/livez',
    operationId: 'isAlive',
    tag: 'Operations',
    summary: 'Check that the process is alive',
    responses: { 200: { description: 'The process is alive.', schema: ok } },
    async run() {
      return { status: 200, body: { status: 'ok' as const } };
    },
  }),

  defineRoute({
    scope: 'plain',
    method: 'get',
    path: '/readyz',
    operationId: 'isReady',
    tag: 'Operations',
    summary: 'Check that the process can take traffic',
    description:
      'Ready while PostgreSQL responds within 2 seconds and has the expected schema. An outage ' +
      'of Temporal does not matter: changes are still accepted and queued.',
    responses: { 200: { description: 'The process is ready.', schema: ok } },
    problems: ['not_ready'],
    async run(_input, { services: { readiness } }) {
      const reason = await readiness.whyNotReady();
      if (reason !== undefined)
        throw new HttpError('not_ready', {
          detail: `${reason} Use another replica, or try again after the time in Retry-After.`,
          headers: { 'Retry-After': '5' },
        });
      return { status: 200, body: { status: 'ok' as const } };
    },
  }),

  defineRoute({
    scope: 'plain',
    method: 'get',
    path: '/openapi.json',
    operationId: 'showOpenapi',
    tag: 'Operations',
    summary: 'Show this API description',
    responses: { 200: { description: 'The description in OpenAPI 3.1.', schema: jsonObject } },
    async run(_input, { services }) {
      return { status: 200, body: services.openapi() as z.output<typeof jsonObject> };
    },
  }),
];
