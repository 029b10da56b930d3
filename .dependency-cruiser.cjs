/** Which part of src may import which others: one direction only. */
const LAYERS = {
  util: [],
  tensor: ['util'],
  io: ['tensor', 'util'],
  exl2: ['tensor', 'util'],
  gpu: ['tensor', 'util'],
  kernels: ['gpu', 'exl2', 'tensor', 'util'],
  autotune: ['kernels', 'gpu', 'tensor', 'util'],
  model: ['kernels', 'io', 'gpu', 'exl2', 'tensor', 'util'],
  // Nothing shipped imports the CPU reference but the lessons, so it may see the model's description.
  reference: ['model', 'exl2', 'tensor', 'util'],
  gptq: ['kernels', 'gpu', 'exl2', 'tensor', 'util'],
  tokenizer: ['io', 'tensor', 'util'],
  calibrate: ['tokenizer', 'io', 'tensor', 'util'],
  runnable: ['model', 'kernels', 'io', 'gpu', 'exl2', 'tensor', 'util'],
};
LAYERS.evaluate = ['runnable', 'calibrate', 'tokenizer', ...LAYERS.runnable];
LAYERS.inference = ['evaluate', ...LAYERS.evaluate];
// The stages of a conversion, and what they share: each may import those before it.
const STAGES = [
  ...['job', 'measurement', 'allocate', 'pass', 'estimate', 'distribute/leader', 'measure', 'quantize'],
  ...['distribute/worker', 'report', 'write', 'convert'],
];
for (const [i, stage] of STAGES.entries()) {
  LAYERS[stage] = ['gptq', 'autotune', 'evaluate', ...LAYERS.evaluate, ...STAGES.slice(0, i)];
}
// Data and arithmetic alone, for the page too.
const PURE = [
  'allocate/allocate',
  'allocate/log-error',
  'allocate/knapsack',
  'allocate/knapsack-beam',
  'job/stages',
  'job/recording',
];
for (const file of PURE) LAYERS[file] = [...PURE, 'util'];
LAYERS['job/recording'].push('job');
// Lessons show how the reference computes, and are the one thing that is shipped of it.
LAYERS['learn/data'] = [...PURE, 'exl2', 'util'];
LAYERS['learn/kept/inspected'] = LAYERS['learn/data'];
// They also show what a job has kept.
const KEPT = ['model', 'job/artefacts', 'measurement/hessian-summary'];
LAYERS.learn = [...LAYERS['learn/data'], 'reference', 'gptq', 'calibrate', ...LAYERS.calibrate, ...KEPT];
LAYERS.app = ['learn/data', 'learn/kept/inspected', ...LAYERS['learn/data']];
LAYERS.cli = ['convert', 'inference', 'learn', ...LAYERS.convert];

/** A folder, or a file of that name. */
const place = (names) => `^src/(${names.join('|')})(/|\\.ts$)`;

const layerRules = Object.entries(LAYERS).map(([layer, below]) => ({
  name: `layer-${layer}`,
  severity: 'error',
  comment: `src/${layer} may import only ${below.map((name) => `src/${name}`).join(', ') || 'itself'}.`,
  from: { path: place([layer]) },
  to: {
    path: '^(src|workers|test|scripts)/',
    pathNot: [place([layer, ...below]), ...(layer === 'app' ? ['^workers/api/'] : [])],
    // Types leave no import behind.
    ...(layer === 'app' && { dependencyTypesNot: ['type-only'] }),
  },
}));

/** All of src but the composition root for Node, and the page; it runs in browsers, workers and Node alike. */
const CORE = { path: '^(src|workers)/', pathNot: '^src/(cli/|io/platform/node)' };

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'workers-import-no-app',
      severity: 'error',
      comment: 'Workers put the core together for the browser; page and command line are not for them.',
      from: { path: '^workers/' },
      to: { path: '^(src/(app|cli|reference)|test|scripts)/' },
    },
    {
      name: 'workers-api-alone',
      severity: 'error',
      comment: 'What page and workers say to each other is in both: it brings nothing else along.',
      from: { path: '^workers/api/' },
      to: { pathNot: '^workers/api/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Imports in a circle hide which part is below which.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-without-node',
      severity: 'error',
      comment: 'The core sees neither Node nor packages that need it: devices and directories are handed in.',
      from: CORE,
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'core-without-node-packages',
      severity: 'error',
      comment: 'Packages for Node only belong to the command line.',
      from: CORE,
      to: { path: 'node_modules/(webgpu|yargs)/' },
    },
    {
      name: 'platform-from-composition-roots',
      severity: 'error',
      comment: 'Only the command line and the workers choose a platform; the rest gets directories.',
      from: { path: '^src/', pathNot: '^src/(cli|io/platform)/' },
      to: { path: '^src/io/platform/' },
    },
    {
      name: 'runtime-dependencies-only',
      severity: 'error',
      comment: 'What is shipped may not need a development dependency.',
      from: { path: '^(src|workers)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'default'] },
  },
};
