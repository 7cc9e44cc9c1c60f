import { Radio, Stack, Text } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { Instant } from '../../common/Time';
import { useNow } from '../../common/time';

type Policy = Schemas['CompanySynchronizedPolicy'];

interface PolicyChoiceProps {
  /** From then on, `first_dataset` is not available. */
  switchAt: string;
  chosen: Policy;
  onChoose: (policy: Policy) => void;
  isReadOnly: boolean;
}

/** When the event COMPANY_SYNCHRONIZED is sent. */
export function PolicyChoice({ switchAt, chosen, onChoose, isReadOnly }: PolicyChoiceProps) {
  const isOver = useNow() >= Date.parse(switchAt);
  return (
    <Radio.Group
      label="When the webhook event COMPANY_SYNCHRONIZED is sent"
      description={<Description switchAt={switchAt} isOver={isOver} />}
      value={chosen}
      onChange={onChoose}
      readOnly={isReadOnly}
    >
      <Stack gap="xs" mt="xs">
        <Radio
          value="all_datasets"
          disabled={isReadOnly}
          label="When all record types of the connected apps are complete, and at least one succeeded"
        />
        <Radio
          value="first_dataset"
          disabled={isReadOnly || isOver}
          label={
            <>
              After the first record type that succeeded{' '}
              <Text span inherit c="dimmed">
                (deprecated)
              </Text>
            </>
          }
        />
      </Stack>
    </Radio.Group>
  );
}

function Description({ switchAt, isOver }: { switchAt: string; isOver: boolean }) {
  if (isOver)
    return (
      <>
        The first option applies to all companies since <Instant at={switchAt} />.
      </>
    );
  return (
    <>
      Applies to apps connected from now on. The second option ends for all companies on{' '}
      <Instant at={switchAt} />.
    </>
  );
}
