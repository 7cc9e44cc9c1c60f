import { Box, Center, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import type { ConnectView } from './calls';

interface ConnectFrameProps {
  title: string;
  brand?: ConnectView['brand'];
  children: ReactNode;
}

/** The frame of every step, with the name of the company that asks. */
export function ConnectFrame({ title, brand, children }: ConnectFrameProps) {
  useDocumentTitle(title);
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder w="100%" maw={520} shadow="sm" style={{ overflow: 'hidden' }}>
        <Box h={6} bg={brand?.color ?? 'var(--mantine-primary-color-filled)'} />
        <Stack p={{ base: 'md', xs: 'xl' }}>
          {brand !== undefined && <Brand brand={brand} />}
          <Title order={1}>{title}</Title>
          {children}
          <Text size="sm" c="dimmed">
            Syncline keeps both sides in step. Credentials are stored encrypted and are never shown again.
          </Text>
        </Stack>
      </Paper>
    </Center>
  );
}

function Brand({ brand: { name, logo } }: { brand: ConnectView['brand'] }) {
  return (
    <Group gap={10} wrap="nowrap">
      <Center w={36} h={36} bd="1px solid var(--mantine-color-default-border)" style={{ borderRadius: 8 }}>
        <Text fw={700} size="sm" aria-hidden>
          {logo}
        </Text>
      </Center>
      <Text fw={700} style={{ overflowWrap: 'anywhere' }}>
        {name}
      </Text>
    </Group>
  );
}
