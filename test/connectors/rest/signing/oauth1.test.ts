/** OAuth 1.0a against the published examples (RFC 5849 and OAuth Core 1.0). */
import { oauth1Header, signatureBase } from '../../../../connectors/rest/signing/oauth1';

it('builds the signature base string of RFC 5849, 3.4.1.1', () => {
  const base = signatureBase(
    {
      method: 'POST',
      url: 'http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'c2&a3=2+q',
    },
    [
      ['oauth_consumer_key', '9djdj82h48djs9d2'],
      ['oauth_token', 'kkk9d7dh3k39sjv7'],
      ['oauth_signature_method', 'HMAC-SHA1'],
      ['oauth_timestamp', '137131201'],
      ['oauth_nonce', '7d8f3e4a'],
    ],
  );

  expect(base).toBe(
    'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D' +
      '%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3D' +
      'HMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7',
  );
});

it('signs as in the example of OAuth Core 1.0, appendix A.5', () => {
  const header = oauth1Header(
    { method: 'GET', url: 'http://photos.example.net/photos?file=vacation.jpg&size=original' },
    {
      consumerKey: 'dpf43f3p2l4k3l03',
      consumerSecret: 'kd94hf93k423kf44',
      token: 'nnch734d00sl2jdk',
      tokenSecret: 'pfkkdhi9sl3r4s00',
    },
    { method: 'HMAC-SHA1', timestamp: 1_191_242_096, nonce: 'kllo9940pd9333jh', realm: 'photos' },
  );

  expect(header).toBe(
    'OAuth realm="photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_nonce="kllo9940pd9333jh", ' +
      'oauth_signature_method="HMAC-SHA1", oauth_timestamp="1191242096", oauth_token="nnch734d00sl2jdk", ' +
      'oauth_version="1.0", oauth_signature="tR3%2BTy81lMeYAr%2FFid0kMTYa%2FWM%3D"',
  );
});

it.each(["a b!'()*~", 'ä+/=&%', '😀'])('encodes %j as RFC 5849, 3.6 says', (value) => {
  const url = new URL('https://example.com/r');
  url.searchParams.set('q', value);

  const [, , parameters = ''] = signatureBase({ method: 'GET', url: url.href }, []).split('&');

  expect(decodeURIComponent(decodeURIComponent(parameters))).toBe(`q=${value}`);
  expect(decodeURIComponent(parameters)).toMatch(/^q=[A-Za-z0-9\-._~%]*$/);
});
