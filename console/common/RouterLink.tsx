import { Anchor, type AnchorProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import { type AnchorHTMLAttributes, forwardRef } from 'react';
import { toShortId } from './formatting';

type Props = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof AnchorProps> & AnchorProps;
const Plain = forwardRef<HTMLAnchorElement, Props>((props, ref) => <Anchor ref={ref} inherit {...props} />);

/** A link to a page of the console. A wrong path or search parameter does not compile. */
export const RouterLink = createLink(Plain);

/** The id of a record, linked to its page. */
export function RecordLink({ record }: { record: { record_type: string; external_id: string } }) {
  return (
    <RouterLink
      to="/records/$recordType/$externalId"
      params={{ recordType: record.record_type, externalId: record.external_id }}
    >
      {toShortId(record.external_id)}
    </RouterLink>
  );
}
