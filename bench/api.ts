/** The API as it is, with one connector more. */
import './noop-connector';
import '../api/main';
