/** The worker as it is, with one connector more. */
import './noop-connector';
import '../worker/main';
