// Jest as the mutation tests run it: the rules of src/domain alone, which need no server.
import config from '../../jest.config.js';

const [{ displayName: _, ...unit }] = config.projects;

export default {
  ...unit,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/domain/**/*.test.ts'],
  testTimeout: config.testTimeout,
};
