import { Center, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';

/** The frame of the pages that need no sign-in. */
export function SignInLayout({
  title,
  hint,
  children,
}: {
  title: string;
  hint?: ReactNode;
  children: ReactNode;
}) {
  useDocumentTitle(`${title} · Syncline`);
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder p="xl" w="100%" maw={400} shadow="sm">
        <Stack>
          <Group gap={10}>
            <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={32} height={32} />
            <Text fw={700}>Syncline</Text>
          </Group>
          <Title order={1}>{title}</Title>
          {hint !== undefined && <Text c="dimmed">{hint}</Text>}
          {children}
        </Stack>
      </Paper>
    </Center>
  );
}
