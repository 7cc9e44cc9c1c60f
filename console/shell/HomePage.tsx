import { Navigate } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { integrationsQuery } from '../api/queries';
import { Read } from '../common/States';
import { useRecordTypes } from './record-types';

/** Whoever has linked nothing yet begins there; everyone else with the records. */
export function HomePage() {
  const integrations = useQuery(integrationsQuery);
  const [first] = useRecordTypes();
  return (
    <Read query={integrations}>
      {(linked) =>
        linked.length === 0 || first === undefined ? (
          <Navigate to="/integrations" replace />
        ) : (
          <Navigate to="/records/$recordType" params={{ recordType: first.name }} replace />
        )
      }
    </Read>
  );
}
