import { Group, SimpleGrid, Text } from '@mantine/core';
import type { LinkProps } from '@tanstack/react-router';
import { CircleCheck } from 'lucide-react';
import { RouterLink } from '../../common/RouterLink';
import { StatusIcon } from '../../common/StatusBadge';

export interface Figure {
  key: string;
  /** `3`, or `1,000+` for a lower bound. */
  figure: string;
  label: string;
  /** Decides icon and color, as in `StatusBadge`. */
  status: string;
  /** The list that the figure counts. */
  link: Pick<LinkProps, 'to' | 'params' | 'search'>;
}

/** Each figure with its label, as one link. */
export function FigureLinks({ figures, empty }: { figures: readonly Figure[]; empty: string }) {
  if (figures.length === 0)
    return (
      <Group gap="xs">
        <CircleCheck size={18} color="var(--mantine-color-dimmed)" aria-hidden />
        <Text size="sm">{empty}</Text>
      </Group>
    );
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
      {figures.map((figure) => (
        <li key={figure.key}>
          <FigureLink {...figure} />
        </li>
      ))}
    </SimpleGrid>
  );
}

function FigureLink({ figure, label, status, link }: Figure) {
  return (
    <RouterLink {...(link as { to: '/' })} underline="never" className="figure-link">
      <StatusIcon status={status} />
      <Text span size="xl" fw={700} c="var(--mantine-color-text)">
        {figure}
      </Text>{' '}
      <Text span size="sm" c="var(--mantine-color-text)">
        {label}
      </Text>
    </RouterLink>
  );
}
