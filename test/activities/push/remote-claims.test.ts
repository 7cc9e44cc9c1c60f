/** Rule 49: two records are never pushed to one remote record. */
import { RemoteClaims } from '../../../activities/push/remote-claims';
import type { PushItem } from '../../../connectors/connector';

const item = (externalId: string, recordType = 'employees') => ({ externalId, recordType }) as PushItem;

describe('the claim of a remote record', () => {
  it('is refused to a second record of the execution, and repeated for the first', async () => {
    const claims = new RemoteClaims(async () => undefined);
    await claims.claim(item('e1'), '7');
    await claims.claim(item('e1'), '7');

    await expect(claims.claim(item('e2'), '7')).rejects.toMatchObject({
      conflict: { kind: 'already_linked', remoteId: '7', theirs: 'e1' },
    });
    await expect(claims.claim(item('e2'), '8')).resolves.toBeUndefined();
    await expect(claims.claim(item('e2', 'teams'), '7')).resolves.toBeUndefined();
  });

  it('is refused when both ask at once, whatever the database answers and when', async () => {
    const claims = new RemoteClaims(() => new Promise((resolve) => setTimeout(() => resolve(undefined), 5)));

    const results = await Promise.allSettled([claims.claim(item('e1'), '7'), claims.claim(item('e2'), '7')]);

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('is refused when another record is linked to it', async () => {
    const claims = new RemoteClaims(async (_item, remoteId) => (remoteId === '7' ? 'e9' : undefined));

    await expect(claims.claim(item('e1'), '7')).rejects.toThrow('belongs to the record e9');
    await expect(claims.claim(item('e1'), '8')).resolves.toBeUndefined();
  });
});
