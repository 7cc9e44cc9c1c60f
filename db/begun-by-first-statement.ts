/**
 * Transactions whose first statement begins them: `start transaction` travels in one message with the
 * settings of the transaction (database.ts).
 */
import { PostgresDialect, type PostgresDialectConfig, PostgresDriver } from 'kysely';

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
}
