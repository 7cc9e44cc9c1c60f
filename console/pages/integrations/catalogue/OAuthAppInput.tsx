/** The OAuth app with which people sign in to a product: of the company, or of the whole installation. */
import { Alert, Select, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { oauthAppsQuery } from '../../../api/oauth-app-queries';
import { Read } from '../../../common/States';
import { useRefusal } from '../../../session/session';
import { AddOAuthApp } from '../../oauth-apps/AddOAuthApp';
import { fittingApps, type NeededApp } from './oauth-app-choice';
import type { Schemas } from '../../../api/client';

interface OAuthAppInputProps {
  product: string;
  needed: NeededApp;
  value: string | undefined;
  error: string | undefined;
  onChange: (appId: string) => void;
}

export function OAuthAppInput(props: OAuthAppInputProps) {
  const apps = useQuery(oauthAppsQuery);
  return (
    <Read query={apps} rows={1}>
      {(all) => <Choice {...props} apps={fittingApps(all, props.needed)} />}
    </Read>
  );
}

const OWNERS = { tenant: 'of your company', platform: 'of your operator' };

function Choice({
  product,
  needed,
  value,
  error,
  onChange,
  apps,
}: OAuthAppInputProps & { apps: readonly Schemas['OAuthApp'][] }) {
  const only = apps.length === 1 ? apps[0]?.id : undefined;
  const isChosen = apps.some(({ id }) => id === value);
  useEffect(() => {
    if (only !== undefined && !isChosen) onChange(only);
  });
  if (apps.length === 0) return <NoApp product={product} needed={needed} onCreated={onChange} />;
  return (
    <Stack gap={4}>
      <Select
        label="OAuth app"
        description={`The registration at ${product} in whose name people sign in.`}
        placeholder="Select"
        required
        allowDeselect={false}
        data={apps.map(({ id, name, owner }) => ({ value: id, label: `${name} (${OWNERS[owner]})` }))}
        value={isChosen ? (value ?? null) : null}
        error={error}
        onChange={(chosen) => onChange(chosen ?? '')}
      />
      <Text size="xs" c="dimmed">
        Apps that do not allow {needed.origins.join(', ')} are left out.
      </Text>
    </Stack>
  );
}

function NoApp({
  product,
  needed,
  onCreated,
}: Pick<OAuthAppInputProps, 'product' | 'needed'> & { onCreated: (appId: string) => void }) {
  return (
    <Alert
      color="orange"
      variant="light"
      title={`No OAuth app for ${product} yet`}
      styles={{ message: { color: 'var(--mantine-color-text)' } }}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          People sign in to {product} in the name of an app that is registered there. Register one and add it
          here, or ask your operator to register one for all companies. It must allow{' '}
          {needed.origins.join(', ')}.
        </Text>
        <AddOAuthApp
          owner="tenant"
          refusal={useRefusal('admin')}
          product={product}
          origins={needed.origins}
          onCreated={({ id }) => onCreated(id)}
        />
      </Stack>
    </Alert>
  );
}
