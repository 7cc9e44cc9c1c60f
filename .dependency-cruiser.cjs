/** Who may import whom: the table of ARCHITECTURE.md, enforced. Types may cross where the table says so. */
const layers = [
  'activities',
  'api',
  'bench',
  'connectors',
  'console',
  'contract',
  'db',
  'dev',
  'egress',
  'runtime',
  'test',
  'worker',
  'workflows',
];
const others = (...allowed) => `^(${layers.filter((layer) => !allowed.includes(layer)).join('|')})(/|$)`;
const value = { dependencyTypesNot: ['type-only'] };

/**
 * Subjects of a layer, from bottom to top: a subject imports only those before it. Subjects in one list may
 * import each other.
 */
const subjects = [
  ['sql'],
  ['platform', 'tenants', 'rate-limit'],
  ['notifications'],
  ['webhooks'],
  ['records'],
  ['integrations', 'third-parties'],
  ['pull'],
  ['push', 'overviews'],
  ['verify'],
  ['sync-runs'],
  ['erasures'],
];
const subjectOrder = ['activities', 'db', 'domain'].flatMap((layer) =>
  subjects.flatMap((lower, position) => {
    const higher = subjects.slice(position + 1).flat();
    if (higher.length === 0) return [];
    return [
      {
        name: `subject-order-${layer}-${lower[0]}`,
        comment: 'A subject imports only the subjects below it.',
        severity: 'error',
        from: { path: `^${layer}/(${lower.join('|')})/` },
        to: { path: `^${layer}/(${higher.join('|')})/` },
      },
    ];
  }),
);

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'No import cycle, type imports included.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...subjectOrder,
    {
      name: 'domain-is-pure',
      comment: 'Pure rules: nothing but domain.',
      severity: 'error',
      from: { path: '^domain/', pathNot: '^domain/records/transforms/' },
      to: { pathNot: '^domain/' },
    },
    {
      name: 'transforms-use-data-of-packages',
      comment: 'Calendars, countries and telephone numbers are kept by others (ADR 0032).',
      severity: 'error',
      from: { path: '^domain/records/transforms/' },
      to: { pathNot: '^domain/|node_modules/(luxon|@types/luxon|i18n-iso-countries|libphonenumber-js)/' },
    },
    {
      name: 'contract',
      severity: 'error',
      from: { path: '^contract/' },
      to: { pathNot: '^(domain|contract)/|node_modules/@temporalio/(workflow|common)' },
    },
    {
      name: 'workflows-are-deterministic',
      comment:
        'Workflows reach no Node built-in, database or connector, not even through others; activities as types only.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { pathNot: '^(domain|contract|workflows)/|node_modules/@temporalio/workflow', ...value },
    },
    {
      name: 'workflows-types',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: others('activities', 'contract', 'workflows') },
    },
    {
      name: 'connectors',
      severity: 'error',
      from: { path: '^connectors/' },
      to: { path: others('connectors') },
    },
    {
      name: 'egress',
      severity: 'error',
      from: { path: '^egress/' },
      to: { path: others('egress', 'connectors'), ...value },
    },
    { name: 'db', severity: 'error', from: { path: '^db/' }, to: { path: others('db') } },
    {
      name: 'activities',
      severity: 'error',
      from: { path: '^activities/' },
      to: { path: others('activities', 'db', 'connectors'), ...value },
    },
    {
      name: 'api',
      severity: 'error',
      from: { path: '^api/', pathNot: '^api/(main|write-openapi)\\.ts$' },
      to: { path: others('api', 'contract', 'db'), ...value },
    },
    {
      name: 'api-one-client-of-temporal',
      severity: 'error',
      from: { path: '^api/', pathNot: '^api/(main|temporal-client)\\.ts$' },
      to: { path: 'node_modules/@temporalio', ...value },
    },
    {
      name: 'worker',
      severity: 'error',
      from: { path: '^worker/', pathNot: '^worker/main\\.ts$' },
      to: { path: '^(api|dev|test|bench|workflows)/', ...value },
    },
    {
      name: 'console-is-a-client',
      comment: 'The console knows the API, by its generated types, and nothing else.',
      severity: 'error',
      from: { path: '^console/' },
      to: { path: '^(domain/|package\\.json)|' + others('console') },
    },
    {
      name: 'product-without-tools',
      comment: 'The product needs nothing of dev, test or bench.',
      severity: 'error',
      from: { path: '^(activities|api|connectors|contract|db|egress|domain|worker|workflows)/' },
      to: { path: '^(dev|test|bench)/' },
    },
    {
      name: 'not-to-dev-packages',
      severity: 'error',
      from: { path: '^(activities|api|connectors|contract|db|egress|domain|worker|workflows)/|^runtime/' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'no-raw-sockets',
      comment: 'Connectors open no socket of their own.',
      severity: 'error',
      from: {
        path: '^(connectors|activities|domain|workflows|api)/',
        pathNot: '^api/(main|http/server)\\.ts$',
      },
      to: { path: '^(net|tls|http|https|dgram|node:net|node:tls|node:http|node:https)$', ...value },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(bench/peers|dev/mail-sink|dist)' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'] },
  },
};
