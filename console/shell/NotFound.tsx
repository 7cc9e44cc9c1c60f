import { Center } from '@mantine/core';
import { Empty } from '../common/States';
import { RouterLink } from '../common/RouterLink';

export function NotFound() {
  return (
    <Center component="main" mih="60vh">
      <Empty title="There is no such page" action={<RouterLink to="/">To the first page</RouterLink>}>
        The address may be mistyped, or what it named is no longer there.
      </Empty>
    </Center>
  );
}
