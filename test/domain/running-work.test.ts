import { blame, type WorkKind } from '../../domain/running-work';

const pull = { kind: 'pull' as WorkKind, isSuspect: false, deaths: 0 };
const suspect = { ...pull, isSuspect: true };

it('rule 60: work that was alone when two workers died is parked', () => {
  const [first] = blame([pull]);
  expect(first).toEqual({ work: pull, deaths: 1, isParked: false });

  expect(blame([{ ...suspect, deaths: 1 }])[0]).toMatchObject({ deaths: 2, isParked: true });
});

it('rule 60: of several pieces of work under way, each is suspect and none is to blame', () => {
  expect(blame([pull, { ...pull, kind: 'push' as WorkKind }])).toMatchObject([
    { deaths: 0, isParked: false },
    { deaths: 0, isParked: false },
  ]);
});

it('rule 60: a suspect is to blame, and the healthy work beside it is not suspect', () => {
  const verdicts = blame([pull, { ...suspect, deaths: 1 }, pull]);

  expect(verdicts).toEqual([{ work: { ...suspect, deaths: 1 }, deaths: 2, isParked: true }]);
});

it('rule 60: an operator who kills two workers does not park a busy push queue', () => {
  const queue = { kind: 'push' as WorkKind, isSuspect: true, deaths: 1 };
  expect(blame([queue])[0]).toMatchObject({ deaths: 2, isParked: false });
});

it('blames nothing if nothing was under way', () => expect(blame([])).toEqual([]));
