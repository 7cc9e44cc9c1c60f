import { whyTemporalRefuses } from '../../contract/temporal-refusal';

/** What the two clients of the SDK threw against servers that refuse. */
const refusals: [string, string, string][] = [
  [
    'an API key, by the native core',
    "Failed to call GetSystemInfo: code: 'The request does not have valid authentication credentials'",
    'TEMPORAL_API_KEY',
  ],
  [
    'an API key without rights, by the native core',
    "Failed to call GetSystemInfo: code: 'The caller does not have permission to execute the specified operation'",
    'TEMPORAL_API_KEY',
  ],
  ['an API key, by a proxy', '16 UNAUTHENTICATED: Received HTTP status code 401', 'TEMPORAL_API_KEY'],
  ['an API key, by grpc-js', '7 PERMISSION_DENIED: Request unauthorized.', 'TEMPORAL_API_KEY'],
  [
    'a missing client certificate, by the native core',
    'hyper::Error(Io, Custom { kind: InvalidData, error: "received fatal alert: CertificateRequired" })',
    'TEMPORAL_TLS_CLIENT_CERT_PATH',
  ],
  [
    'a missing client certificate, by grpc-js',
    '14 UNAVAILABLE: No connection established. Last error: 805CE16EA87F0000:error:0A00045C:SSL routines:' +
      'ssl3_read_bytes:tlsv13 alert certificate required:rec_layer_s3.c:1601:SSL alert number 116',
    'TEMPORAL_TLS_CLIENT_CERT_PATH',
  ],
  [
    'a client certificate of an unknown authority, by the native core',
    'hyper::Error(Io, Custom { kind: InvalidData, error: "received fatal alert: UnknownCA" })',
    'TEMPORAL_TLS_CLIENT_CERT_PATH',
  ],
  [
    "the server's certificate, by the native core",
    'ConnectError(Custom { kind: InvalidData, error: InvalidCertificate(UnknownIssuer) })',
    'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  ],
  [
    "the server's certificate, by grpc-js",
    '14 UNAVAILABLE: No connection established. Last error: Error: self-signed certificate in certificate chain.',
    'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  ],
  [
    'a certificate of X.509 version 1',
    'tonic::transport::Error(Transport, InvalidCertificate(Other(OtherError(UnsupportedCertVersion))))',
    'X.509 version 1',
  ],
];

it.each(refusals)('names the setting when Temporal refuses %s', (_what, message, setting) => {
  expect(whyTemporalRefuses(new Error(message))).toContain(setting);
  expect(whyTemporalRefuses(new Error('Failed to connect', { cause: new Error(message) }))).toContain(
    setting,
  );
});

it.each([
  'ConnectError("tcp connect error", 127.0.0.1:1, Os { code: 111, kind: ConnectionRefused })',
  '14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1',
  '4 DEADLINE_EXCEEDED: Deadline exceeded after 10.001s',
  'Namespace nowhere was not found',
])('does not mistake an outage for a refusal: %s', (message) => {
  expect(whyTemporalRefuses(new Error(message))).toBeUndefined();
});
