/**
 * Transactions whose first statement begins them: `start transaction` travels in one message with the
 * settings of the transaction (database.ts).
 */
import { type DatabaseConnection, PostgresDialect, type PostgresDialectConfig, PostgresDriver } from 'kysely';

export class BegunByFirstStatement extends PostgresDialect {
  constructor(private readonly config: PostgresDialectConfig) {
    super(config);
  }

  override createDriver(): PostgresDriver {
    return new WithoutBegin(this.config);
  }
}

class WithoutBegin extends PostgresDriver {
  override async beginTransaction(): Promise<void> {}

  /** Where a connection was lost, the rollback fails too. Its error would hide the first one. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await super.rollbackTransaction(connection).catch(() => undefined);
  }
}
