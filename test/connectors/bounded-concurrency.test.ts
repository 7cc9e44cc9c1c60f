import { RateLimited, RecordRejected, Unauthorized, Unavailable } from '../../connectors/errors';
import type { PushItem, PushResult } from '../../connectors/connector';
import { mapConcurrently, pushConcurrently } from '../../connectors/bounded-concurrency';

const items = Array.from({ length: 40 }, (_, index) => index);
const aMoment = () => new Promise((resolve) => setTimeout(resolve, 2));

describe('mapConcurrently', () => {
  it('processes all items in order, with a limited number at a time', async () => {
    let [running, most] = [0, 0];

    const settled = await mapConcurrently(items, 4, async (item) => {
      most = Math.max(most, ++running);
      await aMoment();
      running -= 1;
      return item * 2;
    });

    expect(settled).toEqual(items.map((item) => ({ item, ok: true, value: item * 2 })));
    expect(most).toBe(4);
  });

  it.each([new RateLimited('wait', null), new Unauthorized('no')])(
    'starts nothing more after $kind, and awaits what runs',
    async (error) => {
      const settled = await mapConcurrently(items, 4, async (item) => {
        await aMoment();
        if (item === 5) throw error;
        return item;
      });

      expect(settled).toContainEqual({ item: 5, ok: false, error });
      expect(settled.length).toBeLessThanOrEqual(9);
      expect(settled.filter(({ ok }) => ok)).toHaveLength(settled.length - 1);
    },
  );

  it('stops after five failures to answer in a row', async () => {
    const settled = await mapConcurrently(items, 1, () => Promise.reject(new Unavailable('down')));

    expect(settled).toHaveLength(5);
  });

  it('goes on when some calls between the answers are not answered', async () => {
    const settled = await mapConcurrently(items, 1, (item) =>
      item % 4 === 0 ? Promise.resolve(item) : Promise.reject(new Unavailable('hiccup')),
    );

    expect(settled).toHaveLength(items.length);
  });

  it('goes on past refused records', async () => {
    const settled = await mapConcurrently(items, 4, () => Promise.reject(new RecordRejected('no', [])));

    expect(settled).toHaveLength(items.length);
  });

  it('R10 treats a defect of ours with one item as a failure of that item, and keeps the error', async () => {
    const mistake = new TypeError('x is undefined');

    const settled = await mapConcurrently(items, 4, (item) =>
      item === 3 ? Promise.reject(mistake) : Promise.resolve(item),
    );

    expect(settled).toHaveLength(items.length);
    expect(settled[3]).toMatchObject({ ok: false, error: { kind: 'unavailable', cause: mistake } });
  });

  it('starts nothing after the signal is aborted', async () => {
    const stop = new AbortController();

    const settled = await mapConcurrently(
      items,
      2,
      async (item) => {
        await aMoment();
        if (item === 3) stop.abort();
        return item;
      },
      () => !stop.signal.aborted,
    );

    expect(settled.length).toBeLessThanOrEqual(5);
  });
});

describe('pushConcurrently', () => {
  const pushes = items.map((index) => ({ pushId: `${index}` }) as PushItem);
  const accepted = ({ pushId }: PushItem) => ({
    pushId,
    ok: true as const,
    effect: 'created' as const,
    remoteId: pushId,
    remoteVersion: null,
  });

  it('begins no record after the time of its execution is up, and reports each result as it arrives', async () => {
    const arrived: string[] = [];
    const pushing = {
      recordsAtOnce: 2,
      mayBegin: () => arrived.length < 6,
      onResult: ({ pushId }: PushResult) => void arrived.push(pushId),
    };
    const pushOne = async (item: PushItem) => {
      await aMoment();
      return accepted(item);
    };

    const context = { signal: new AbortController().signal, pushing };
    const results = await pushConcurrently(pushes, 8, pushOne, context);

    expect(results.map(({ pushId }) => pushId)).toEqual(arrived);
    expect(results.length).toBeGreaterThanOrEqual(6);
    expect(results.length).toBeLessThanOrEqual(7);
  });

  it('reports refused records as they arrive', async () => {
    const arrived: PushResult[] = [];
    const pushing = {
      recordsAtOnce: 8,
      mayBegin: () => true,
      onResult: (one: PushResult) => void arrived.push(one),
    };
    const refuse = () => Promise.reject(new RecordRejected('no', []));

    await pushConcurrently(pushes, 8, refuse, { signal: new AbortController().signal, pushing });

    expect(arrived.map(({ ok }) => ok)).toEqual(items.map(() => false));
  });
});
