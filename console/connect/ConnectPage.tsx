import { Alert, Button, Loader, Stack, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { asProblem } from '../api/client';
import { type ConnectView, isEmbedded, openLink, readSession, tellFrame } from './calls';
import { ConnectFrame } from './ConnectFrame';
import { SessionSteps } from './SessionSteps';

/** `/connect/<secret>` before the exchange, `/connect/s/<id>` after it. */
interface Address {
  secret?: string;
  id?: string;
}

function readAddress(): Address {
  const [, , first, second] = window.location.pathname.split('/');
  return first === 's' ? { id: second ?? '' } : { secret: first ?? '' };
}

async function read({ id, secret = '' }: Address): Promise<ConnectView> {
  if (id !== undefined) return readSession(id);
  const view = await openLink(secret);
  // The secret is in no history and no picture of the screen.
  window.history.replaceState(null, '', `/connect/s/${view.id}`);
  return view;
}

export function ConnectPage() {
  const [address] = useState(readAddress);
  const [view, setView] = useState<ConnectView>();
  const [error, setError] = useState<unknown>();
  const [isBegun, begin] = useState(address.id !== undefined || isEmbedded);
  const asked = useRef(false);

  useEffect(() => {
    if (!isBegun || asked.current) return;
    asked.current = true;
    read(address).then(setView, setError);
  }, [address, isBegun]);
  useEffect(() => {
    if (view !== undefined) tellFrame(view);
  }, [view]);

  if (error !== undefined) return <Failure error={error} />;
  if (view !== undefined) return <SessionSteps view={view} onChange={setView} />;
  return (
    <ConnectFrame title="Connect an app">
      {isBegun ? (
        <Loader aria-label="Loading" />
      ) : (
        <Stack>
          <Text>You were sent this link to connect an app. It works once, in this browser.</Text>
          <Button onClick={() => begin(true)}>Continue</Button>
        </Stack>
      )}
    </ConnectFrame>
  );
}

function Failure({ error }: { error: unknown }) {
  const { title, detail } = wordsOf(error);
  return (
    <ConnectFrame title={title}>
      <Alert color="orange" variant="light" role="alert">
        {detail}
      </Alert>
    </ConnectFrame>
  );
}

/** The console's words for a missing page do not fit a link. */
const wordsOf = (error: unknown): { title: string; detail: string } => {
  const problem = asProblem(error);
  return problem.code === 'connect_link_unknown'
    ? { title: problem.title, detail: 'Copy the whole link again, or ask for a new one.' }
    : problem;
};
