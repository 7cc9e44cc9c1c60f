/** What a person is told when a provider grants less than was asked for. */
import { missingScopes } from '../../../domain/oauth/granted-scopes';

it.each<[string, string[], string | null, string[]]>([
  ['an answer without scopes grants all of them', ['contacts.read'], null, []],
  ['an empty answer too', ['contacts.read'], ' ', []],
  ['the same in another order', ['a', 'b'], 'b a', []],
  ['one is left out', ['contacts.read', 'contacts.write'], 'contacts.read', ['contacts.write']],
  ['separated by commas', ['a', 'b', 'c'], 'a,b', ['c']],
  ['about the person and the refresh token', ['a', 'openid', 'email', 'offline_access'], 'a', []],
  ['named without its resource', ['https://graph.example/User.Read.All'], 'user.read.all openid', []],
  ['all that an administrator agreed to', ['https://graph.example/.default'], 'User.Read', []],
])('%s', (_name, asked, granted, missing) => {
  expect(missingScopes(asked, granted)).toEqual(missing);
});
