import { Modal, Text } from '@mantine/core';
import { Pencil } from 'lucide-react';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { type AppOwner, ofApp, routeOf } from '../../api/oauth-app-queries';
import { ActionButton } from '../../common/ActionButton';
import { useAction } from '../../common/use-action';
import { type AppDraft, needsSecretAgain, originsOf, toDraft } from './app-draft';
import { OAuthAppForm } from './OAuthAppForm';

interface Version {
  app: Schemas['OAuthApp'];
  etag: string;
}

interface EditOAuthAppProps extends Version {
  owner: AppOwner;
  refusal: string | undefined;
}

/** Changes the version that the form was opened with. The API refuses if it has changed since (412). */
export function EditOAuthApp({ owner, refusal, app, etag }: EditOAuthAppProps) {
  const [edited, setEdited] = useState<Version>();
  const close = (): void => setEdited(undefined);
  const save = useAction({
    run: ({ draft, of }: { draft: AppDraft; of: Version }) =>
      answerOf(
        api.PATCH(routeOf(owner, '/v1/oauth-apps/{oauth_app_id}'), {
          params: { ...ofApp(of.app.id), header: { 'If-Match': of.etag } },
          body: changeOf(draft, of.app),
        }),
      ),
    isQuiet: true,
    done: ({ name }) => `${name} was saved.`,
    changes: ['oauth-apps'],
    onDone: close,
  });
  const open = (): void => {
    save.reset();
    setEdited({ app, etag });
  };
  return (
    <>
      <ActionButton
        variant="default"
        leftSection={<Pencil size={16} aria-hidden />}
        refusal={refusal}
        onClick={open}
      >
        Edit
      </ActionButton>
      <Modal opened={edited !== undefined} onClose={close} title={`Edit ${app.name}`} centered={false}>
        {edited !== undefined && (
          <OAuthAppForm
            initial={toDraft(edited.app)}
            before={edited.app}
            submitLabel="Save"
            isPending={save.isPending}
            error={save.error}
            onSubmit={(draft) => save.mutate({ draft, of: edited })}
          >
            <Text size="sm" c="dimmed">
              Integrations that need an origin which is no longer allowed wait until it is allowed again.
            </Text>
          </OAuthAppForm>
        )}
      </Modal>
    </>
  );
}

/** Only what was changed. */
function changeOf(draft: AppDraft, before: Schemas['OAuthApp']) {
  const clientId = draft.clientId.trim();
  const origins = originsOf(draft);
  return {
    ...(draft.name === before.name ? {} : { name: draft.name }),
    ...(clientId === before.client_id ? {} : { client_id: clientId }),
    ...(origins.join('\n') === before.allowed_origins.join('\n') ? {} : { allowed_origins: origins }),
    // It may have been entered before the added origin was taken out again, and is then hidden.
    ...(needsSecretAgain(draft, before) ? { client_secret: draft.clientSecret } : {}),
    ...webhookSecretOf(draft),
  };
}

function webhookSecretOf({ webhookSecret, isWebhookSecretDeleted }: AppDraft) {
  if (isWebhookSecretDeleted) return { webhook_secret: null };
  return webhookSecret === '' ? {} : { webhook_secret: webhookSecret };
}
