import { describe, expect, test } from 'vitest';
import { BUILT_IN_DATASET, QUANTIZERS } from '../../src/job/settings.ts';
import type { StageName } from '../../src/job/stages.ts';
import { html } from '../../src/report/html.ts';
import { reportPage } from '../../src/report/report.ts';
import type { ReportData } from '../../src/report/report-data.ts';
import { barPicture, gridPicture } from '../../src/report/svg.ts';
import { modelCard } from '../../src/write/model-card.ts';

const rows = (...sources: [string, number][]) => ({ rows: 3, length: 128, sources });

const DATA: ReportData = {
  start: {
    type: 'start',
    model: {
      name: '/home/someone/models/a <b> & "c"',
      architecture: 'LlamaForCausalLM',
      layers: 2,
      hiddenSize: 64,
      vocabSize: 320,
      parameters: 123456,
      dtypes: ['BF16'],
      bytes: 2 ** 20,
    },
    gpu: { name: 'a GPU', software: false, budgetBytes: 2 ** 30, precision: 'mixed' },
    bitsPerWeight: 3.5,
    headBits: 6,
  },
  settings: {
    bits: 3.5,
    headBits: 6,
    quantizer: QUANTIZERS.refined,
    precision: 'mixed',
    shardBytes: 2 ** 33,
    dataset: 'own.parquet',
  },
  bitsPerWeight: 3.4987,
  outputBytes: 300_000,
  calibration: { measurement: rows(['<script>', 3]), quantization: rows(['prose', 2], ['<script>', 1]) },
  modules: [0, 1].map((layer) => ({
    key: `model.layers.${layer}.mlp`,
    layer,
    kind: 'mlp' as const,
    expertTokens: [],
    bitsPerWeight: 3 + layer,
    expectedError: 0.05,
    rfnError: layer === 0 ? 0.06 : undefined,
    linears: [{ name: 'up_proj', bitsPerWeight: 3.25 + layer, error: 0.02, params: '1:3b_64g s4' }],
  })),
  perplexity: new Map([['original', { type: 'perplexity', model: 'original', value: 9.5, tokens: 100 }]]),
  metrics: {
    rows: 2,
    length: 64,
    perplexity: { reference: 8.5, model: 9.25 },
    divergence: { mean: 0.123456, standardError: 0.01, byRow: [0.113456, 0.133456], median: 0.05, p99: 1.5 },
    agreement: 0.789,
    byPosition: [{ first: 0, last: 63, divergence: 0.1, agreement: 0.8 }],
  },
  stages: new Map<StageName, number | 'reused'>([
    ['measure', 'reused'],
    ['quantize', 75],
  ]),
  gpuPeakBytes: 2 ** 29,
  warnings: ['beware of <img src=x>'],
  date: new Date(Date.UTC(2030, 0, 2, 3, 4)),
};

describe('report.html', () => {
  const page = reportPage(DATA);

  test('has configuration, allocation, errors, metrics, times, machine and warnings', () => {
    for (const text of [
      'asked for 3.5; head 6',
      '3.499',
      'own.parquet',
      'mixed: products of activations with factors of 16 bits',
      'layer 1, up_proj: 1:3b_64g s4',
      'layer 1, up_proj: 2.00 % at 4.25 bits per weight',
      '>4.25<',
      'model.layers.0.mlp: 6.00 %, measured 5.00 %',
      '9.250',
      'original 8.500',
      '0.1235',
      '78.9 %',
      'taken from an earlier run',
      '1:15',
      'a GPU, at most 537 MB',
      '2030-01-02 03:04 UTC',
    ])
      expect(page).toContain(text);
  });

  test('escapes what comes from files, names no folders, and loads nothing', () => {
    expect(page).toContain('a &lt;b&gt; &amp; &quot;c&quot;');
    expect(page).toContain('&lt;script&gt;');
    expect(page).toContain('beware of &lt;img');
    expect(page).not.toMatch(/<script|<img|<link|@import|url\(|https?:/);
    expect(page).not.toContain('/home/someone');
  });

  test('does without metrics and warnings', () => {
    const bare = reportPage({ ...DATA, metrics: undefined, warnings: [] });
    expect(bare).not.toContain('KL divergence');
    expect(bare).not.toContain('Warnings');
    expect(bare).toContain('Where the bits went');
  });
});

describe('the model card', () => {
  test('says what was measured, and by what it was calibrated', () => {
    const card = modelCard(DATA, undefined);
    expect(card).toContain('at 3.5 bits per weight');
    expect(card).toContain('| bits per weight | 3.499 (attention and MLP), head 6 |');
    expect(card).toContain('own.parquet, 3 rows of 128 tokens');
    const settings = { ...DATA.settings, dataset: BUILT_IN_DATASET };
    expect(modelCard({ ...DATA, settings }, undefined)).toContain('| calibration | built-in mix, 3 rows');
    expect(card).toContain('| computed with | mixed: products of activations');
    expect(card).toContain('9.25000 (original 8.50000)');
    expect(card).not.toContain('README-original.md');
    expect(card).not.toContain('/home/someone');
  });

  test('keeps what of the original’s front matter holds for it too', () => {
    const original =
      '---\nlicense: apache-2.0\nbase_model: some/one\ntags:\n- chat\n---\n# Model\nlicense: no\n';
    const front = modelCard(DATA, original).split('---')[1]!;
    expect(front.trim().split('\n')).toEqual([
      'license: apache-2.0',
      'base_model: some/one',
      'library_name: exllamav2',
      'tags:',
      '- exl2',
      '- quantized',
    ]);
    const lists = [
      ...[
        '---',
        'license: other',
        'license_name: llama3.2',
        'license_link: >-',
        '  https://example.org/licence',
      ],
      ...[
        'language:',
        '- en',
        '- de',
        'base_model:',
        '  - acme/Base-1B',
        '  # the other one',
        '  - acme/Other-1B',
      ],
      ...[
        'library_name: transformers',
        'tags:',
        '- mergekit',
        'pipeline_tag: text-generation',
        'model-index:',
      ],
      ...['- name: x', '  results: []', '--- ', '# Model', 'language: no'],
    ];
    const kept = modelCard(DATA, lists.join('\r\n')).split('---')[1]!.trim().split('\n');
    expect(kept.slice(0, -4)).toEqual([...lists.slice(1, 12), 'pipeline_tag: text-generation']);
    const empty = '---\nlicense:\nlanguage: # none\nbase_model: [a/b,\n  c/d\n]\n---\n';
    expect(modelCard(DATA, empty).split('---')[1]!.trim().split('\n').slice(0, -4)).toEqual([
      ...['base_model: [a/b,', '  c/d', ']'],
    ]);
    expect(modelCard(DATA, original)).toContain('(README-original.md)');
    expect(modelCard(DATA, 'license: mit, but no front matter')).not.toContain('license: mit');
  });
});

describe('pictures', () => {
  test('a grid leaves out cells that are not there and keeps colours in range', () => {
    const cell = (strength: number) => ({ strength, text: 'x', detail: 'y' });
    const cells = [cell(-1), undefined, cell(2)];
    const { markup } = gridPicture({ label: 'l', columns: ['a', 'b', 'c'], rows: [{ name: 'r', cells }] });
    expect(markup.match(/<rect/g)).toHaveLength(2);
    expect(markup.match(/var\(--strong\) (\d+)%/g)).toEqual(['var(--strong) 0%', 'var(--strong) 100%']);
  });

  test('bars of nothing are drawn, not divided by', () => {
    const { markup } = barPicture('l', [{ name: 'a', value: 0, detail: 'd' }], String);
    expect(markup).not.toContain('NaN');
    expect(html`<p>${'<'}${3}${[html`<b/>`, html`<i/>`]}</p>`.markup).toBe('<p>&lt;3<b/><i/></p>');
  });
});
