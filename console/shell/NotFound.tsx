import { Center, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { SearchX } from 'lucide-react';
import { RouterLink } from '../common/RouterLink';

export function NotFound() {
  useDocumentTitle('There is no such page · Syncline');
  return (
    <Center component="main" mih="60vh" p="md">
      <Stack align="center" gap="xs" ta="center">
        <SearchX size={32} aria-hidden />
        <Title order={1}>There is no such page</Title>
        <Text c="dimmed" maw={520}>
          The address may be mistyped, or what it named is no longer there.
        </Text>
        <RouterLink to="/">To the first page</RouterLink>
      </Stack>
    </Center>
  );
}
