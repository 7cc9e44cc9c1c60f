/** What the error of a check says about the third party as a whole. */
import { Unauthorized, Unavailable, WrongAddress } from '../../../connectors/errors';
import { stateAfter } from '../../../activities/integrations/third-party-health';

it.each([
  ['a redirect', new WrongAddress('Moved.', 'redirect'), 'well'],
  ['no HTTP', new WrongAddress('Another protocol.', 'not_http'), 'well'],
  ['a failure', new Unavailable('Down.', 503), 'outage'],
  ['refused credentials', new Unauthorized('No.'), 'unauthorized'],
])('%s at the check has the state that it means', (_title, error, kind) => {
  expect(stateAfter(error).kind).toBe(kind);
});
