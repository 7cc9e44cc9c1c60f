/** Links to pages, in groups with titles. */
import { NavLink, ScrollArea, Stack, Text } from '@mantine/core';
import { Link, type LinkProps } from '@tanstack/react-router';
import type { LucideIcon } from 'lucide-react';

export interface NavItem extends Pick<LinkProps, 'to' | 'params' | 'search'> {
  label: string;
  icon: LucideIcon;
  /** Marks this page only, not those below it. */
  isExact?: boolean;
}

export function NavigationOf({
  home,
  groups,
  onNavigate,
}: {
  home?: NavItem;
  groups: [title: string, items: NavItem[]][];
  onNavigate: () => void;
}) {
  return (
    <ScrollArea component="nav" aria-label="Pages" h="100%">
      <Stack gap="md">
        {home !== undefined && <NavItemLink item={home} onNavigate={onNavigate} />}
        {groups.map(([title, items]) => (
          <div key={title}>
            <Text size="xs" fw={600} c="dimmed" px="sm" pb={4}>
              {title}
            </Text>
            {items.map((item) => (
              <NavItemLink key={item.label} item={item} onNavigate={onNavigate} />
            ))}
          </div>
        ))}
      </Stack>
    </ScrollArea>
  );
}

function NavItemLink({ item, onNavigate }: { item: NavItem; onNavigate: () => void }) {
  const { label, icon: Icon, isExact, ...target } = item;
  return (
    <NavLink
      label={label}
      leftSection={<Icon size={16} aria-hidden />}
      onClick={onNavigate}
      style={{ borderRadius: 'var(--mantine-radius-md)' }}
      renderRoot={(props) => (
        <Link
          {...props}
          {...target}
          activeOptions={{ exact: isExact ?? false, includeSearch: false }}
          activeProps={{ 'data-active': true, 'aria-current': 'page' } as object}
        />
      )}
    />
  );
}
