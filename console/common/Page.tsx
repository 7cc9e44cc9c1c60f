import { Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';

interface PageProps {
  title: string;
  /** One sentence about the page. */
  subtitle?: ReactNode;
  badge?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ title, subtitle, badge, actions, children }: PageProps) {
  useDocumentTitle(`${title} · Syncline`);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start" gap="md">
        <Stack gap={4} maw={760} flex="1 1 360px">
          <Group gap="sm">
            <Title order={1} className="long">
              {title}
            </Title>
            {badge}
          </Group>
          {subtitle !== undefined && (
            <Text c="dimmed" size="sm" component="div" className="long">
              {subtitle}
            </Text>
          )}
        </Stack>
        <Group gap="xs">{actions}</Group>
      </Group>
      {children}
    </Stack>
  );
}
