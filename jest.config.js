// Jest runs the TypeScript sources as ES modules. Project `unit` needs no server; project `engine` gets a real
// PostgreSQL and a real Temporal server from its global set-up; project `integration` the same, and each of its files
// starts servers that are not ours (`npm run test:integration`, see test/integration/main.ts).
const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
};
const unitFolders = [
  'domain',
  'policy',
  'connectors',
  'conformance',
  'sandbox',
  'schemas',
  'scripts',
  'replay',
  'workflows',
];

export default {
  maxWorkers: 2,
  workerIdleMemoryLimit: '1500MB',
  testTimeout: 60_000,
  projects: [
    { ...common, displayName: 'unit', testMatch: unitFolders.map((name) => `<rootDir>/test/${name}/**/*.test.ts`) },
    {
      ...common,
      displayName: 'engine',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: [
        '/node_modules/',
        ...[...unitFolders, 'integration'].map((name) => `<rootDir>/test/${name}/`),
      ],
      globalSetup: '<rootDir>/test/support/global-setup.ts',
      globalTeardown: '<rootDir>/test/support/global-teardown.ts',
    },
    {
      ...common,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/global-setup.ts',
      globalTeardown: '<rootDir>/test/support/global-teardown.ts',
    },
  ],
};
