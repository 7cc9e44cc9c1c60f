import type { Schemas } from '../../api/client';
import { StatusBadge } from '../../common/StatusBadge';

export const DELIVERY_LABELS: Record<Schemas['WebhookDeliveryState'], string> = {
  pending: 'Pending',
  retrying: 'Retrying',
  delivered: 'Delivered',
  failed: 'Failed',
  disabled: 'Not sent: disabled',
};

export function DeliveryState({
  state,
  size = 'md',
}: {
  state: Schemas['WebhookDeliveryState'];
  size?: string;
}) {
  return <StatusBadge status={state} label={DELIVERY_LABELS[state]} size={size} />;
}
