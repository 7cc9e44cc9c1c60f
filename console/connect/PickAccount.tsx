import { Alert, Button, Radio, Stack } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { asProblem, type Problem } from '../api/client';
import { type ConnectedApp, type ConnectView, finishConsent, readSession } from './calls';

interface PickAccountProps {
  session: ConnectView;
  app: ConnectedApp;
  onChange: (view: ConnectView) => void;
}

/** The consent is for several accounts: one of them is connected. */
export function PickAccount({ session: { id, accounts }, app, onChange }: PickAccountProps) {
  const [chosen, choose] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);

  const send = async (accountId: string): Promise<void> => {
    setSending(true);
    setProblem(undefined);
    try {
      onChange(await finishConsent(id, accountId));
    } catch (error) {
      setProblem(asProblem(error));
      onChange(await readSession(id));
    } finally {
      setSending(false);
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (chosen !== null) void send(chosen);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Radio.Group
          label={`Which account of ${app.name} should be connected?`}
          value={chosen}
          onChange={choose}
        >
          <Stack mt="xs" gap="xs">
            {accounts.map((account) => (
              <Radio key={account.id} value={account.id} label={account.name ?? account.id} />
            ))}
          </Stack>
        </Radio.Group>
        {problem !== undefined && (
          <Alert color="orange" variant="light" role="alert" title={problem.title}>
            {problem.detail}
          </Alert>
        )}
        <Button type="submit" loading={isSending} disabled={chosen === null}>
          Connect this account
        </Button>
      </Stack>
    </form>
  );
}
