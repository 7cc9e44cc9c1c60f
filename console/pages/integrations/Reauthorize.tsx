import { Group, Modal, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { answerOf, api, asProblem, type Schemas } from '../../api/client';
import { connectorQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { ProblemView, Read } from '../../common/States';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import type { Drafts } from './json-schema';
import { SchemaForm } from './SchemaForm';

/** New credentials; what waited for them goes on at once. */
export function Reauthorize({ integration }: { integration: Schemas['Integration'] }) {
  const [isOpen, setOpen] = useState(false);
  const [drafts, setDrafts] = useState<Drafts>({});
  const connector = useQuery({ ...connectorQuery(integration.connector), enabled: isOpen });
  const refusal = useRefusal('admin');
  const give = useAction({
    run: () =>
      answerOf(
        api.PUT('/v1/integrations/{integration_id}/credentials', {
          params: { path: { integration_id: integration.id } },
          body: { credentials: drafts },
        }),
      ),
    isQuiet: true,
    done: 'The new credentials are kept. What waited goes on.',
    changes: ['integrations', 'notifications'],
    onDone() {
      setDrafts({});
      setOpen(false);
    },
  });
  const open = (): void => {
    give.reset();
    setOpen(true);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    give.mutate();
  };
  const errors = Object.fromEntries(
    (give.error === null ? [] : asProblem(give.error).errors).map(({ pointer, message }) => [
      pointer.replace('/credentials/', ''),
      message,
    ]),
  );
  return (
    <>
      <Group>
        <ActionButton
          variant="default"
          leftSection={<KeyRound size={16} aria-hidden />}
          refusal={refusal}
          onClick={open}
        >
          Re-authorize
        </ActionButton>
      </Group>
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        title={`New credentials for ${integration.app}`}
        centered={false}
      >
        <Read query={connector} rows={3}>
          {(shown) => (
            <form onSubmit={submit}>
              <Stack>
                {give.error && <ProblemView error={give.error} />}
                <SchemaForm
                  schema={shown.credentials_schema}
                  drafts={drafts}
                  onChange={setDrafts}
                  errors={errors}
                  isSecret
                />
                <Group justify="flex-end">
                  <ActionButton
                    type="submit"
                    loading={give.isPending}
                    refusal={Object.keys(drafts).length === 0 ? 'Nothing is filled in yet.' : undefined}
                  >
                    Use these
                  </ActionButton>
                </Group>
              </Stack>
            </form>
          )}
        </Read>
      </Modal>
    </>
  );
}
