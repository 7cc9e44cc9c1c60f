import { Modal, Text } from '@mantine/core';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { type AppOwner, routeOf } from '../../api/oauth-app-queries';
import { ActionButton } from '../../common/ActionButton';
import { useAction } from '../../common/use-action';
import { type AppDraft, NO_SECRETS, originsOf } from './app-draft';
import { OAuthAppForm } from './OAuthAppForm';
import { RedirectUri } from './RedirectUri';

interface AddOAuthAppProps {
  owner: AppOwner;
  refusal: string | undefined;
  /** Where the app is registered, if that is known. */
  product?: string;
  /** Where its secret and tokens go, as far as that is known. */
  origins?: readonly string[];
  isDefault?: boolean;
  onCreated: (app: Schemas['OAuthApp']) => void;
}

/** Adds an app that was registered at a provider. */
export function AddOAuthApp({ refusal, isDefault = false, ...props }: AddOAuthAppProps) {
  const { product, onCreated } = props;
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  return (
    <>
      <ActionButton
        {...(isDefault ? {} : { variant: 'default' })}
        leftSection={<Plus size={16} aria-hidden />}
        refusal={refusal}
        onClick={() => setOpen(true)}
      >
        Add an OAuth app
      </ActionButton>
      <Modal
        opened={isOpen}
        onClose={close}
        title={product === undefined ? 'Add an OAuth app' : `OAuth app for ${product}`}
        centered={false}
      >
        <NewApp
          {...props}
          onCreated={(app) => {
            close();
            onCreated(app);
          }}
        />
      </Modal>
    </>
  );
}

function NewApp({
  owner,
  product,
  origins = [],
  onCreated,
}: Omit<AddOAuthAppProps, 'refusal' | 'isDefault'>) {
  const create = useAction({
    run: (draft: AppDraft) =>
      answerOf(
        api.POST(routeOf(owner, '/v1/oauth-apps'), {
          body: {
            name: draft.name,
            client_id: draft.clientId.trim(),
            client_secret: draft.clientSecret === '' ? null : draft.clientSecret,
            webhook_secret: draft.webhookSecret === '' ? null : draft.webhookSecret,
            allowed_origins: originsOf(draft),
          },
        }),
      ),
    isQuiet: true,
    done: ({ name }) => `${name} was added.`,
    changes: ['oauth-apps'],
    onDone: onCreated,
  });
  return (
    <OAuthAppForm
      initial={{ ...NO_SECRETS, name: product ?? '', clientId: '', origins: origins.join('\n') }}
      submitLabel="Add app"
      isPending={create.isPending}
      error={create.error}
      onSubmit={create.mutate}
    >
      <Text size="sm">Register an app at {product ?? 'the provider'} with this redirect URI:</Text>
      <RedirectUri owner={owner} />
    </OAuthAppForm>
  );
}
