/** The frame of `npm run backup` and `npm run restore`: DATABASE_URL, one file, one line at the end. */
export function runTool(name: string, tool: (databaseUrl: string, file: string) => Promise<string>): void {
  const [databaseUrl, file] = [process.env.DATABASE_URL, process.argv[2]];
  if (databaseUrl === undefined || file === undefined) {
    console.error(`Set DATABASE_URL and name a file: npm run ${name} -- FILE`);
    process.exit(2);
  }
  tool(databaseUrl, file).then(
    (message) => console.log(message),
    (error: unknown) => {
      console.error((error as Error).message);
      process.exit(1);
    },
  );
}
