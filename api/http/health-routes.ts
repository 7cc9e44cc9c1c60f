/** For operators: liveness, readiness and the API description. */
import { z } from 'zod';
import { describeFindings, isReady } from '../../domain/health';
import type { JsonObject } from '../../domain/json';
import { HttpError } from './http-error';
import { defineRoute, type Route } from '../routing/define-route';
import { jsonObject } from '../routing/common-schemas';

const ok = z.object({ status: z.literal('ok') });
const readiness = ok.extend({
  checks: z.record(
    z.string(),
    z.object({ status: z.enum(['ok', 'warning', 'failed']), detail: z.string().optional() }),
  ),
});

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
      'Checks the process, its event loop, PostgreSQL (it answers within 2 seconds and takes writes), the ' +
      'clock compared with that of PostgreSQL (a warning from 5 seconds, failed from 60), the schema, the ' +
      'roles, the grants, and Temporal. An outage of Temporal is a warning: changes are still accepted and ' +
      'queued. If a check failed, the response is 503 with the same `checks` in `context`.',
    responses: { 200: { description: 'The process is ready.', schema: readiness } },
    problems: ['not_ready'],
    async run(_input, { services }) {
      const checks = await services.readiness.report();
      if (!isReady(checks))
        throw new HttpError('not_ready', {
          detail: `${describeFindings(checks)} Use another replica, or try again after the time in Retry-After.`,
          headers: { 'Retry-After': '5' },
          context: { checks: checks as unknown as JsonObject },
        });
      return { status: 200, body: { status: 'ok' as const, checks } };
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
