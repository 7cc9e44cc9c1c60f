/** Operations: long-running requests that a client can follow until they end. */
import { z } from 'zod';
import { findOperation } from '../../db/notifications/operations';
import { HttpError } from '../http/http-error';
import { idParam } from '../routing/common-schemas';
import { defineRoute, type Route } from '../routing/define-route';
import { overviewTag as tag } from './overview-request';
import { operation, toWireOperation } from './overview-schema';

export const operationRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/operations/{operation_id}',
    operationId: 'showOperation',
    tag,
    summary: 'Show an operation',
    params: z.strictObject({ operation_id: idParam('opr', 'operation_not_found') }),
    responses: { 200: { description: 'The operation and its state.', schema: operation } },
    problems: ['operation_not_found'],
    async run(work, { params }) {
      const found = await findOperation(work, { operationId: params.operation_id });
      if (found === undefined) throw new HttpError('operation_not_found');
      return { status: 200, body: toWireOperation(found) };
    },
  }),
];
