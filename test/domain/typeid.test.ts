/** Ids as people see them are TypeIDs: the published library agrees. */
import * as fc from 'fast-check';
import { TypeID } from 'typeid-js';
import { typeIdOf } from '../../domain/typeid';

it('writes every UUID as the TypeID library does', () => {
  fc.assert(
    fc.property(fc.uuid(), (uuid) =>
      expect(typeIdOf('int', uuid)).toBe(TypeID.fromUUID('int', uuid).toString()),
    ),
  );
});

it('writes different UUIDs differently', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), (a, b) =>
      expect(typeIdOf('int', a) === typeIdOf('int', b)).toBe(a === b),
    ),
  );
});
