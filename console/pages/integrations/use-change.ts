import { answerOf, api, type Schemas } from '../../api/client';
import { useAction } from '../../common/use-action';
import type { operations } from '../../api/schema';

export type IntegrationChange = NonNullable<
  operations['changeIntegration']['requestBody']
>['content']['application/json'];

/** Changes the version that the page shows. If there is a newer version, the API answers 412. */
export function useIntegrationChange({
  integration,
  etag,
  onDone,
}: {
  integration: Schemas['Integration'];
  etag: string;
  onDone?: () => void;
}) {
  return useAction({
    run: (change: IntegrationChange) =>
      answerOf(
        api.PATCH('/v1/integrations/{integration_id}', {
          params: { path: { integration_id: integration.id }, header: { 'If-Match': etag } },
          body: change,
        }),
      ),
    isQuiet: true,
    done: 'Saved.',
    changes: ['integrations', 'onboarding', 'record', 'records'],
    ...(onDone === undefined ? {} : { onDone }),
  });
}
