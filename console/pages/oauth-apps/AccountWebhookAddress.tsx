import { Alert, Group, Modal, Select, Stack, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { type AppOwner, ofApp, routeOf } from '../../api/oauth-app-queries';
import { ActionButton } from '../../common/ActionButton';
import { ShownOnce } from '../../common/ShownOnce';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';

interface AddressProps {
  owner: AppOwner;
  app: Schemas['OAuthApp'];
  /** Those that can describe the webhooks; undefined = not known yet. */
  definitions: readonly { key: string; name: string }[] | undefined;
  /** The definition of the address that there is; null = there is none. */
  present: string | null;
}

/** Makes the address, or replaces it. It is shown once, in the dialogue that asked what describes it. */
export function AccountWebhookAddress(props: AddressProps) {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  const label = props.present === null ? 'Make address' : 'Replace address';
  return (
    <>
      <ActionButton
        {...(props.present === null ? {} : { variant: 'default' })}
        refusal={refusalBy(props.definitions)}
        onClick={() => setOpen(true)}
      >
        {label}
      </ActionButton>
      <Modal
        opened={isOpen}
        onClose={close}
        title={`Address for webhooks of ${props.app.name}`}
        closeOnClickOutside={false}
      >
        <NewAddress {...props} label={label} onClose={close} />
      </Modal>
    </>
  );
}

function refusalBy(definitions: AddressProps['definitions']): string | undefined {
  if (definitions === undefined) return 'The list of definitions could not be read yet.';
  return definitions.length === 0 ? 'No definition describes webhooks of all accounts of an app.' : undefined;
}

function NewAddress({
  owner,
  app,
  definitions = [],
  present,
  label,
  onClose,
}: AddressProps & { label: string; onClose: () => void }) {
  const [isReplaced] = useState(present !== null);
  const [key, setKey] = useState(() => present ?? likelyOf(app, definitions));
  const make = useAction({
    run: (definitionKey: string) =>
      answerOf(
        api.POST(routeOf(owner, '/v1/oauth-apps/{oauth_app_id}/incoming-webhooks/address'), {
          params: ofApp(app.id),
          body: { definition_key: definitionKey },
        }),
      ),
    isQuiet: true,
    changes: ['oauth-apps'],
  });
  if (make.data !== undefined) return <Made address={make.data.address} onClose={onClose} />;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (key !== null) make.mutate(key);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {make.error && <ProblemView error={make.error} />}
        {isReplaced && (
          <Alert color="orange" variant="light" title="The present address stops working at once">
            Enter the new one at the provider right away. The secret stays.
          </Alert>
        )}
        <Select
          label="Product"
          description="Its definition says how calls are verified, and where an event names its account."
          placeholder="Select"
          required
          allowDeselect={false}
          searchable
          data={definitions.map((one) => ({ value: one.key, label: one.name }))}
          value={key}
          onChange={setKey}
        />
        <Group justify="flex-end">
          <ActionButton
            type="submit"
            loading={make.isPending}
            refusal={key === null ? 'Select a product first.' : undefined}
            {...(isReplaced ? { color: 'red' } : {})}
          >
            {label}
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}

function Made({ address, onClose }: { address: string; onClose: () => void }) {
  return (
    <ShownOnce
      secret={address}
      warning="Copy the address now, as it is not shown again. If you lose it, replace it."
      onClose={onClose}
    >
      <Text size="sm">
        Enter it in the settings of the app at the provider. Then store the secret that webhooks are signed
        with.
      </Text>
    </ShownOnce>
  );
}

/** The definition that uses the app, or the only one that there is. */
function likelyOf(
  { uses }: Schemas['OAuthApp'],
  definitions: NonNullable<AddressProps['definitions']>,
): string | null {
  const used = definitions.filter(({ key }) => uses.some((use) => use.definition_key === key));
  const [only, ...others] = used.length > 0 ? used : definitions;
  return only !== undefined && others.length === 0 ? only.key : null;
}
