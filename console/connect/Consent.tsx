import { Alert, Button, Group, Loader, Stack, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { asProblem, type Problem } from '../api/client';
import {
  beginConsent,
  type ConnectedApp,
  type ConnectView,
  finishConsent,
  isEmbedded,
  readSession,
} from './calls';
import { PickAccount } from './PickAccount';

const LOOK_EVERY_MS = 1_500;

interface ConsentProps {
  session: ConnectView;
  app: ConnectedApp;
  onChange: (view: ConnectView) => void;
}

/** Goes to the provider, and finishes when the browser comes back. A frame opens a window for it. */
export function Consent({ session, app, onChange }: ConsentProps) {
  const [problem, setProblem] = useState<Problem>();
  const [isWaiting, setWaiting] = useState(false);
  const finishing = useRef(false);
  const { id, is_consent_given: isGiven, accounts } = session;

  useEffect(() => {
    if (!isGiven || accounts.length > 1 || finishing.current) return;
    finishing.current = true;
    const fail = async (error: unknown): Promise<void> => {
      setProblem(asProblem(error));
      onChange(await readSession(id));
    };
    finishConsent(id)
      .then(onChange, fail)
      .catch((error: unknown) => setProblem(asProblem(error)))
      .finally(() => (finishing.current = false));
  }, [id, isGiven, accounts.length, onChange]);

  // The window at the provider cannot tell a frame that it is done.
  useEffect(() => {
    if (!isWaiting || isGiven) return undefined;
    const timer = setInterval(() => {
      readSession(id).then(onChange, (error: unknown) => setProblem(asProblem(error)));
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [id, isWaiting, isGiven, onChange]);

  const go = async (): Promise<void> => {
    setProblem(undefined);
    try {
      const url = await beginConsent(id);
      if (isEmbedded) window.open(url, '_blank', 'noopener');
      else window.location.assign(url);
      setWaiting(true);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const words = problem?.detail ?? session.problem;
  if (isGiven && accounts.length > 1) return <PickAccount session={session} app={app} onChange={onChange} />;
  if (isGiven && problem === undefined)
    return (
      <Group role="status">
        <Loader size="sm" aria-hidden />
        <Text>{app.name} is being connected and checked.</Text>
      </Group>
    );
  return (
    <Stack>
      {words !== null && (
        <Alert color="orange" variant="light" role="alert" title="Not connected yet">
          {words}
        </Alert>
      )}
      <Button onClick={() => void go()} loading={isWaiting && !isEmbedded}>
        Continue to {app.name}
      </Button>
      <Text size="sm" c="dimmed">
        {app.name} asks you to sign in and to agree. Syncline never sees your password there.
      </Text>
    </Stack>
  );
}
