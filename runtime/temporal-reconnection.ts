/** With gRPC's own limit of 2 min, a Temporal that was away for an hour would seem to be still away. */
const RECONNECT_WITHIN_MS = 5_000;

/** Of every connection of the SDK's client. */
export const RECONNECTION = { 'grpc.max_reconnect_backoff_ms': RECONNECT_WITHIN_MS };
