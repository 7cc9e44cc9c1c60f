import { Alert, Button, List, Stack, Text, Title } from '@mantine/core';
import type { ConnectedApp, ConnectView } from './calls';
import { ConnectFrame } from './ConnectFrame';
import { Consent } from './Consent';
import { CredentialsForm } from './CredentialsForm';

interface SessionStepsProps {
  view: ConnectView;
  onChange: (view: ConnectView) => void;
}

export function SessionSteps({ view, onChange }: SessionStepsProps) {
  const { app, state, brand } = view;
  if (state === 'done') return <Done view={view} />;
  if (app === null || (state !== 'in_progress' && state !== 'open')) return <Ended view={view} />;
  // The company that asks knows its customers better than the definition does.
  const steps = view.guidance.length > 0 ? view.guidance : app.sign_in_help;
  const verb = view.is_reconnection ? 'Reconnect' : 'Connect';
  return (
    <ConnectFrame title={`${verb} ${app.name}`} brand={brand}>
      <Text>
        {brand.name} asks you to {verb.toLowerCase()} {app.name} ({app.account_name}).
      </Text>
      <WhatIsSynced app={app} brand={brand} />
      {steps.length > 0 && <Guidance steps={steps} />}
      {app.has_consent ? (
        <Consent session={view} app={app} onChange={onChange} />
      ) : (
        <CredentialsForm session={view} app={app} onDone={onChange} />
      )}
    </ConnectFrame>
  );
}

function WhatIsSynced({ app, brand }: { app: ConnectedApp; brand: ConnectView['brand'] }) {
  const words = {
    pull: `read from ${app.name}`,
    push: `written to ${app.name}`,
    both: `read from and written to ${app.name}`,
  };
  return (
    <Stack gap={4} component="section" aria-label="What is synced">
      <Title order={2}>What {brand.name} will do</Title>
      <List>
        {app.records.map(({ label, direction }) => (
          <List.Item key={label}>
            {label}: {words[direction]}
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}

function Guidance({ steps }: { steps: readonly string[] }) {
  return (
    <Stack gap={4} component="section" aria-label="What to do">
      <Title order={2}>What to do</Title>
      <List type="ordered">
        {steps.map((step) => (
          <List.Item key={step}>{step}</List.Item>
        ))}
      </List>
    </Stack>
  );
}

function Done({ view }: { view: ConnectView }) {
  const name = view.app?.name ?? 'The app';
  return (
    <ConnectFrame title={`${name} is connected`} brand={view.brand}>
      <Alert color="green" variant="light" role="status">
        {name} accepted the sign-in. {view.brand.name} takes it from here.
      </Alert>
      {view.missing_scopes.length > 0 && (
        <Alert color="orange" variant="light" role="note">
          {name} did not grant everything that was asked for: {view.missing_scopes.join(', ')} is missing.
          Some records may be refused. Ask for a new link to grant it.
        </Alert>
      )}
      <GoBack view={view} />
    </ConnectFrame>
  );
}

const ENDINGS: Record<string, { title: string; text: string }> = {
  expired: { title: 'This link has expired', text: 'Nothing was connected.' },
  cancelled: { title: 'This link was withdrawn', text: 'Nothing was connected.' },
  failed: { title: 'The connection did not work', text: 'It was tried too often.' },
};
const GONE = { title: 'There is nothing to connect any more', text: 'The integration was disconnected.' };

function Ended({ view }: { view: ConnectView }) {
  const { title, text } = ENDINGS[view.state] ?? GONE;
  return (
    <ConnectFrame title={title} brand={view.brand}>
      <Alert color="orange" variant="light" role="alert">
        {text} Ask {view.brand.name} for a new link.
      </Alert>
      <GoBack view={view} />
    </ConnectFrame>
  );
}

/** A frame stays where it is: the site around it is told. */
function GoBack({ view: { return_url: address, brand } }: { view: ConnectView }) {
  if (address === null) return <Text>You can close this page.</Text>;
  return (
    <Button component="a" href={address} target="_top" rel="noreferrer">
      Go back to {brand.name}
    </Button>
  );
}
