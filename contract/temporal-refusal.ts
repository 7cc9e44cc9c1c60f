/**
 * Whether an error of Temporal's clients means that this process and Temporal do not accept each other: a
 * refusal ends only when the configuration changes, an outage ends by itself. The two clients of the SDK
 * (grpc-js and the native core) word the same refusal differently.
 */
const REFUSALS: readonly { words: RegExp; meaning: string }[] = [
  {
    words: /UnsupportedCertVersion/,
    meaning:
      'The certificate is X.509 version 1, which the worker does not support. ' +
      'Create it with extensions (openssl x509 -extfile …), which makes it version 3.',
  },
  {
    words: /alert:? .*(certificate|ca\b|access)|alert: (\w*Certificate\w*|UnknownCA|AccessDenied)|SSL alert/i,
    meaning:
      'Temporal refused the client certificate. Check TEMPORAL_TLS_CLIENT_CERT_PATH and ' +
      'TEMPORAL_TLS_CLIENT_KEY_PATH.',
  },
  {
    words: /InvalidCertificate|self-signed|unable to (verify|get)|altnames|certificate (has expired|is not)/i,
    meaning:
      "Temporal's own certificate is not trusted. Check TEMPORAL_TLS_SERVER_CA_CERT_PATH and " +
      'TEMPORAL_TLS_SERVER_NAME.',
  },
  {
    words: /UNAUTHENTICATED|PERMISSION_DENIED|valid authentication credentials|does not have permission/,
    meaning: 'Temporal refused the API key or the client certificate. Check TEMPORAL_API_KEY.',
  },
];

/** What was refused and which setting to check; undefined if the error is no refusal. */
export function whyTemporalRefuses(error: unknown): string | undefined {
  const text = textsOf(error).join('\n');
  return REFUSALS.find(({ words }) => words.test(text))?.meaning;
}

function textsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : textsOf(error.cause))];
}
