/** For whoever runs the service: is it alive, may it be given traffic, what are its figures, what does its API look like. */
import { z } from 'zod';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from './http-error';
import { plainRoute, type Route } from '../routing/define-route';
import { jsonObject } from '../routing/common-schemas';

const ok = z.object({ status: z.literal('ok') });

export function operationRoutes({
  readiness,
  metrics,
  openapi,
}: Pick<ApiDependencies, 'readiness' | 'metrics'> & { openapi: () => object }): readonly Route[] {
  return [
    plainRoute({
      method: 'get',
      path: '/livez',
      operationId: 'isAlive',
      tag: 'Operations',
      summary: 'Is the process alive?',
      answers: { 200: { description: 'It is.', schema: ok } },
      async run() {
        return { status: 200, body: { status: 'ok' as const } };
      },
    }),

    plainRoute({
      method: 'get',
      path: '/readyz',
      operationId: 'isReady',
      tag: 'Operations',
      summary: 'May the process be given traffic?',
      description:
        'Yes while PostgreSQL answers within 2 seconds and its schema is the one we know. Temporal being down is no reason to say no: changes are accepted and wait.',
      answers: { 200: { description: 'It may.', schema: ok } },
      problems: ['not_ready'],
      async run() {
        const reason = await readiness.whyNotReady();
        if (reason !== undefined)
          throw new HttpError('not_ready', {
            detail: `${reason} Use another replica, or try again after Retry-After.`,
            headers: { 'Retry-After': '5' },
          });
        return { status: 200, body: { status: 'ok' as const } };
      },
    }),

    plainRoute({
      method: 'get',
      path: '/metrics',
      operationId: 'showMetrics',
      tag: 'Operations',
      summary: 'Figures for Prometheus',
      answers: {
        200: {
          description: 'Figures in Prometheus text format.',
          schema: z.string(),
          mediaType: 'text/plain',
        },
      },
      async run() {
        return {
          status: 200,
          body: await metrics.registry.metrics(),
          headers: { 'Content-Type': metrics.registry.contentType },
        };
      },
    }),

    plainRoute({
      method: 'get',
      path: '/openapi.json',
      operationId: 'showOpenapi',
      tag: 'Operations',
      summary: 'This description',
      answers: { 200: { description: 'OpenAPI 3.1.', schema: jsonObject } },
      async run() {
        return { status: 200, body: openapi() as z.output<typeof jsonObject> };
      },
    }),
  ];
}
