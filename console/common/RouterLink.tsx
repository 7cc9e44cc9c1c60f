import { Anchor, type AnchorProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import { type AnchorHTMLAttributes, forwardRef } from 'react';

type Props = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof AnchorProps> & AnchorProps;
const Plain = forwardRef<HTMLAnchorElement, Props>((props, ref) => <Anchor ref={ref} inherit {...props} />);

/** A link to a page of the console. A wrong path or search parameter does not compile. */
export const RouterLink = createLink(Plain);
