import { Alert } from '@mantine/core';

/** Browsers keep the session cookie of a page without TLS on the local machine only. */
export function InsecureConnection() {
  if (window.isSecureContext) return null;
  return (
    <Alert color="orange" variant="light">
      This page was opened without encryption (http), so your browser does not keep you signed in. Open
      Syncline at its https address. If there is none, ask the operator of Syncline to set up TLS.
    </Alert>
  );
}
