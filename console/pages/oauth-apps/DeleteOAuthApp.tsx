import { answerOf, api, type Schemas } from '../../api/client';
import { type AppOwner, ofApp, routeOf } from '../../api/oauth-app-queries';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { plural } from '../../common/formatting';
import { useAction } from '../../common/use-action';
import { integrationsOf } from './app-draft';

interface DeleteOAuthAppProps {
  owner: AppOwner;
  refusal: string | undefined;
  app: Schemas['OAuthApp'];
  onDeleted: () => void;
}

export function DeleteOAuthApp({ owner, refusal, app, onDeleted }: DeleteOAuthAppProps) {
  const { id, name } = app;
  const remove = useAction({
    run: () => answerOf(api.DELETE(routeOf(owner, '/v1/oauth-apps/{oauth_app_id}'), { params: ofApp(id) })),
    done: `${name} was deleted.`,
    changes: ['oauth-apps'],
    onDone: onDeleted,
  });
  const count = integrationsOf(app);
  const inUse =
    count === 0
      ? undefined
      : `In use by ${plural(count, 'integration')}. Connect them by another app, or disconnect them first.`;
  return (
    <ConfirmedAction
      variant="default"
      refusal={refusal ?? inUse}
      loading={remove.isPending}
      title={`Delete ${name}?`}
      body="Its secret and its address for webhooks are deleted, too. The registration at the provider stays. This cannot be undone."
      confirm="Delete app"
      isDangerous
      onConfirm={() => remove.mutate()}
    >
      Delete
    </ConfirmedAction>
  );
}
