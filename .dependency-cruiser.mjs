// Which way the arrows between folders point. Run by `npm run check`, alone by `npm run check:imports`.

const TEST = '\\.(test|contract)\\.ts$|/test/'

/** Within server/src: what lies in `from` knows nothing of the folders in `to`. */
const below = (from, to) => ({
  name: `server-${from.replace('|', '-')}-stays-below`,
  comment: `gateway -> rooms -> store, bus: ${from} must not import ${to}. A type it needs belongs to its own port.`,
  severity: 'error',
  from: { path: `^server/src/(${from})/`, pathNot: TEST },
  to: { path: `^server/src/(${to})/` },
})

/** A workspace, tests included, imports of the other workspaces only those in `allowed`. */
const workspace = (name, allowed) => ({
  name: `${name}-imports-${allowed ? `only-${allowed}` : 'no-workspace'}`,
  severity: 'error',
  from: { path: `^${name}/` },
  to: {
    path: '^(protocol|loadbalancer|server|chat-app)/',
    pathNot: `^(${[name, allowed].filter(Boolean).join('|')})/`,
  },
})

export default {
  forbidden: [
    {
      name: 'no-circle',
      comment:
        'Imports that form a circle run in an order nobody chose. Circles of type imports are harmless.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'everything-resolves',
      comment: 'An import that is not found here would escape every other rule.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    workspace('protocol', ''),
    workspace('loadbalancer', 'protocol'),
    workspace('server', 'protocol'),
    workspace('chat-app', 'protocol'),
    {
      name: 'products-stand-alone',
      comment: 'What is deployed must not need the scripts and tests around it.',
      severity: 'error',
      from: { path: '^(protocol|loadbalancer|server|chat-app)/', pathNot: TEST },
      to: { path: '^(scripts|tests)/' },
    },
    {
      name: 'browsers-have-no-node',
      comment: 'The protocol and the app run in browsers.',
      severity: 'error',
      from: { path: '^(protocol|chat-app)/src/', pathNot: `${TEST}|^protocol/src/node/` },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'browsers-stay-out-of-node',
      comment: 'protocol/src/node/ is shared by the processes only.',
      severity: 'error',
      from: { path: '^(protocol|chat-app)/src/', pathNot: `${TEST}|^protocol/src/node/` },
      to: { path: '^protocol/src/node/' },
    },
    below('store|bus', 'rooms|gateway'),
    below('rooms', 'gateway'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage|data|test-results)/' },
    tsPreCompilationDeps: true, // sees type imports too
    tsConfig: { fileName: 'chat-app/tsconfig.json' }, // for the app's "@/" paths; the others have none
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'browser', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.cjs', '.d.ts', '.json'],
    },
  },
}
