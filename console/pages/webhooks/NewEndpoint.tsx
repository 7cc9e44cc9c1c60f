import { answerOf, api } from '../../api/client';
import { useAction } from '../../common/use-action';
import { EndpointForm, type EndpointSettings } from './EndpointForm';
import { SecretOnce } from './SecretOnce';

export function NewEndpoint({ onClose }: { onClose: () => void }) {
  const make = useAction({
    run: (settings: EndpointSettings) => answerOf(api.POST('/v1/webhook-endpoints', { body: settings })),
    isQuiet: true,
    changes: ['webhooks'],
  });
  if (make.data !== undefined) return <SecretOnce secret={make.data.secret} onClose={onClose} />;
  return (
    <EndpointForm
      submitLabel="Add the endpoint"
      isPending={make.isPending}
      error={make.error}
      onSubmit={make.mutate}
      onClose={onClose}
    />
  );
}
