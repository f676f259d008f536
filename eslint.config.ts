import js from '@eslint/js'
import reactHooks from 'eslint-plugin-react-hooks'
import { defineConfig, globalIgnores } from 'eslint/config'
import globals from 'globals'
import tseslint from 'typescript-eslint'

const TESTS = ['**/*.test.ts', '**/*.contract.ts', '**/test/**']

export default defineConfig(
  globalIgnores(['**/dist', '**/coverage', '**/data', '**/test-results']),
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // node:test's functions return a promise that only the runner needs.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Adapters of a port are async because the port is, not because they wait.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // These run in browsers too; dependency-cruiser keeps node: imports out, this the globals.
    files: ['protocol/src/**/*.ts', 'chat-app/src/**/*.{ts,tsx}'],
    ignores: [...TESTS, 'protocol/src/node/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        'process',
        'Buffer',
        'global',
        'setImmediate',
        'clearImmediate',
        '__dirname',
      ],
    },
  },
  { files: ['chat-app/**/*.{ts,tsx}'], extends: [reactHooks.configs.flat.recommended] },
  {
    files: ['**/*.{js,mjs,cjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parserOptions: { projectService: false } },
  },
  { files: ['**/*.mjs'], languageOptions: { globals: globals.node } },
  { files: ['chat-app/public/**/*.js'], languageOptions: { globals: globals.serviceworker } },
)
