// The import directions of the layout, as rules. Type-only imports count too, except where a rule says otherwise: a
// rule that types may break is no rule.
// telemetry.ts stands beside the roots but is a leaf: a logger and how errors are described.
const roots = '^src/(server|worker|cli|config)\\.ts$';
const middle = ['workflows', 'policy', 'connectors', 'store', 'evidence', 'authorisation', 'auth', 'notify'];
const upper = ['activities', 'use-cases', 'delivery'];
const edges = ['http', 'cli'];
const folders = (...names) => `^src/(${names.join('|')})/`;
const any = (...patterns) => patterns.join('|');

/** Files of `from` may not import those of `to`, except the listed ones. */
const never = (name, comment, from, to, toNot) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to, ...(toNot ? { pathNot: toNot } : {}) },
});

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'not-to-undeclared',
      comment: 'Only what package.json names may be imported; what another package brings along can vanish.',
      severity: 'error',
      from: { path: '^(src|sandbox|temporal|scripts|bench)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'not-to-dev-dependency',
      comment: 'Production code runs without the development packages.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },

    // schemas <- domain <- the middle <- the upper <- http, cli <- roots
    never('schemas-lowest', 'Schemas import nothing of Usher but schemas.', '^src/schemas/', '^src/', '^src/schemas/'),
    never(
      'domain-above-schemas',
      'Rules know schemas (as types) and rules.',
      '^src/domain/',
      '^src/',
      folders('schemas', 'domain'),
    ),
    {
      name: 'domain-takes-schemas-as-types',
      comment: 'zod must not reach the workflow sandbox or a browser.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { path: '^src/schemas/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'domain-is-pure',
      comment:
        'No part of Node and no package but the filter parser: the rules run in the workflow sandbox and in a browser.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: {
        dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer'],
        pathNot: 'node_modules/scim2-parse-filter/',
      },
    },
    never(
      'middle-not-upwards',
      'The middle knows nothing above it.',
      folders(...middle.filter((name) => name !== 'workflows')),
      any(folders(...upper, ...edges), roots),
    ),
    {
      name: 'workflows-not-upwards',
      comment: 'Workflows know activities as types only, and nothing else above them.',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { path: any(folders(...upper, ...edges), roots), pathNot: '^src/activities/' },
    },
    {
      name: 'workflows-take-activities-as-types',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { path: '^src/activities/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workflows-take-schemas-as-types',
      comment: 'zod at run time costs twenty times the memory per cached workflow.',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { path: '^src/schemas/', dependencyTypesNot: ['type-only'] },
    },
    never(
      'workflows-beside-nothing',
      'Workflows import the domain, types and each other.',
      '^src/workflows/',
      folders(...middle.filter((name) => name !== 'workflows')),
    ),
    {
      name: 'workflows-packages',
      comment: 'Only the workflow SDK (and the search-attribute keys of its common package) runs in the sandbox.',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: {
        dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@temporalio/(workflow|common)/',
      },
    },
    never(
      'upper-not-upwards',
      'Activities, use cases and delivery know neither surface nor root.',
      folders(...upper),
      any(folders(...edges), roots),
    ),
    never(
      'activities-not-use-cases',
      'What both need moves to domain, store, evidence or authorisation.',
      '^src/activities/',
      '^src/use-cases/',
    ),
    never(
      'use-cases-not-activities',
      'What both need moves to domain, store, evidence or authorisation.',
      '^src/use-cases/',
      '^src/activities/',
    ),
    never(
      'observe-watches-only',
      'What makes logs, metrics and traces knows no work that it watches.',
      '^src/observe/',
      any(folders('workflows', 'domain', 'policy', 'evidence', ...upper, ...edges), roots),
    ),
    never(
      'surfaces-not-roots',
      'Only a process starts from a root.',
      folders(...edges),
      '^src/(server|worker|cli)\\.ts$',
    ),

    // connectors
    {
      name: 'connectors-apart',
      comment:
        'A connector knows its product, the kit and nothing of another product. SCIM is a protocol that products build on.',
      severity: 'error',
      from: { path: '^src/connectors/([^/.]+)(/|\\.ts$)', pathNot: '^src/connectors/(kit/|aws|registry\\.ts$)' },
      to: { path: '^src/connectors/', pathNot: '^src/connectors/(kit/|scim/|$1(/|\\.ts$))' },
    },
    never(
      'connectors-of-aws-apart',
      'The products of AWS share its signing, its refusals and its pages, in aws/.',
      '^src/connectors/aws(/|-)',
      '^src/connectors/',
      '^src/connectors/(kit/|aws(/|-))',
    ),
    never(
      'kit-below-connectors',
      'The kit knows no product.',
      '^src/connectors/kit/',
      '^src/connectors/',
      '^src/connectors/kit/',
    ),
    never(
      'connectors-know-no-engine',
      'Connectors know neither Temporal nor the store.',
      '^src/connectors/',
      any('node_modules/(@temporalio|kysely|pg)/', folders('store', 'evidence', 'authorisation', 'workflows')),
    ),

    // the outside
    never(
      'src-knows-no-sandbox',
      'Nothing in src knows that the sandbox exists.',
      '^src/',
      '^(sandbox|test|bench|scripts|temporal)/',
    ),
    never(
      'sandbox-knows-no-source',
      'The outside world is not made of Usher; only its schemas may be read.',
      '^sandbox/',
      '^src/',
      '^src/(schemas|policy)/',
    ),
    never('nothing-imports-tests', 'Tests are imported by tests.', '^(src|sandbox|temporal|scripts)/', '^test/'),
    never(
      'no-zod-inside',
      'Rules and workflows trust their types; input was parsed where it came in.',
      '^src/(domain|workflows)/',
      'node_modules/zod/',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(data|dist)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
