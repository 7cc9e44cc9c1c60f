import { answerOf, api } from '../../api/client';
import { useAction } from '../../common/use-action';
import { EndpointForm, type EndpointSettings } from './EndpointForm';
import { SecretOnce } from './SecretOnce';

export function NewEndpoint({ onClose }: { onClose: () => void }) {
  const create = useAction({
    run: (settings: EndpointSettings) => answerOf(api.POST('/v1/webhook-endpoints', { body: settings })),
    isQuiet: true,
    changes: ['webhooks'],
  });
  if (create.data !== undefined) return <SecretOnce secret={create.data.secret} onClose={onClose} />;
  return (
    <EndpointForm
      submitLabel="Add endpoint"
      isPending={create.isPending}
      error={create.error}
      onSubmit={create.mutate}
      onClose={onClose}
    />
  );
}
