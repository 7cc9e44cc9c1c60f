/** The products that can be linked by a definition, with a search. */
import { Avatar, Card, Group, SimpleGrid, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import type { Schemas } from '../../../api/client';

type Product = Schemas['ThirdPartyDefinitionSummary'];

interface CatalogueProps {
  products: readonly Product[];
  chosen: string | undefined;
  onChoose: (key: string) => void;
}

export function Catalogue({ products, chosen, onChoose }: CatalogueProps) {
  const [search, setSearch] = useState('');
  const words = search.trim().toLowerCase();
  const found = products.filter(({ key, name, category, description }) =>
    [key, name, category, description].some((text) => text.toLowerCase().includes(words)),
  );
  return (
    <Stack>
      <TextInput
        label="Search products"
        placeholder="Name or category"
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <SimpleGrid cols={{ base: 1, sm: 3 }} role="group" aria-label="Product">
        {found.map((product) => (
          <ProductButton
            key={product.key}
            product={product}
            isChosen={product.key === chosen}
            onChoose={() => onChoose(product.key)}
          />
        ))}
      </SimpleGrid>
      {found.length === 0 && (
        <Text c="dimmed">
          No product has this name. Use a connector below, or ask your operator to add it.
        </Text>
      )}
    </Stack>
  );
}

interface ProductButtonProps {
  product: Product;
  isChosen: boolean;
  onChoose: () => void;
}

function ProductButton({
  product: { name, category, description, proof },
  isChosen,
  onChoose,
}: ProductButtonProps) {
  return (
    <UnstyledButton aria-pressed={isChosen} onClick={onChoose}>
      <Card
        withBorder
        h="100%"
        {...(isChosen
          ? { style: { borderColor: 'var(--mantine-primary-color-filled)', borderWidth: 2 } }
          : {})}
      >
        <Group wrap="nowrap" align="flex-start">
          <Avatar aria-hidden name={name} color="initials" radius="sm" />
          <Stack gap={2}>
            <Text fw={600}>{name}</Text>
            <Text size="sm" c="dimmed">
              {category}
            </Text>
            <Text size="sm">{description}</Text>
            {proof !== 'live' && (
              <Text size="sm" c="dimmed">
                Not yet proved against the live service.
              </Text>
            )}
          </Stack>
        </Group>
      </Card>
    </UnstyledButton>
  );
}
