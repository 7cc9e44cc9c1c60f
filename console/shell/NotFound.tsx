import { Center, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { SearchX } from 'lucide-react';
import { RouterLink } from '../common/RouterLink';

export function NotFound() {
  useDocumentTitle('Page not found · Syncline');
  return (
    <Center component="main" mih="60vh" p="md">
      <Stack align="center" gap="xs" ta="center">
        <SearchX size={32} aria-hidden />
        <Title order={1}>Page not found</Title>
        <Text c="dimmed" maw={520}>
          The address may contain a typing error, or the page may have been removed.
        </Text>
        <RouterLink to="/">Go to the home page</RouterLink>
      </Stack>
    </Center>
  );
}
