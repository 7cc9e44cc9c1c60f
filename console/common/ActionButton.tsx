import { Button, type ButtonProps, Tooltip } from '@mantine/core';
import type { ReactNode, Ref } from 'react';

interface ActionButtonProps extends ButtonProps {
  children: ReactNode;
  ref?: Ref<HTMLButtonElement>;
  onClick?: () => void;
  type?: 'button' | 'submit';
  /** Why the action is not possible now. The button stays focusable, so the reason can be read. */
  refusal?: string | undefined;
}

export function ActionButton({ refusal, onClick, type = 'button', children, ...props }: ActionButtonProps) {
  if (refusal === undefined)
    return (
      <Button type={type} onClick={onClick} {...props}>
        {children}
      </Button>
    );
  return (
    <Tooltip label={refusal}>
      <Button
        type="button"
        {...props}
        data-disabled
        aria-disabled="true"
        title={refusal}
        onClick={(event) => event.preventDefault()}
      >
        {children}
      </Button>
    </Tooltip>
  );
}
