import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { endable } from '../../src/cli/endable.ts';
import { createTokenizer, type Guard, type Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { InputError, UnsupportedError } from '../../src/util/errors.ts';
import { seededRandom } from '../../src/util/random.ts';
import { ENDLESS } from '../support/endless-tokenizer.ts';

type Json = Record<string, unknown>;

const TEXT =
  'Once upon a time, “she” said 1234567 — aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n\n Привет.';

const whole = JSON.parse(
  readFileSync('test/fixtures/golden/architectures/tokenizer/tokenizer.json', 'utf8'),
) as Json;

const load = (tokenizer: Json, guard?: Guard) =>
  createTokenizer(
    { name: 'models/x', tokenizer, tokenizerConfig: {}, config: {}, generationConfig: {} },
    guard,
  );

const model = whole['model'] as Json & { vocab: Record<string, unknown> };
const withModel = (fields: Json) => ({ ...whole, model: { ...model, ...fields } });

describe('ids for which a table would take the memory', () => {
  test.each([1e8, 2 ** 32, 1e300, -1, 0.5, '7', null])('%j are refused, with the token', (id) => {
    const vocab = withModel({ vocab: { ...model.vocab, odd: id } });
    const added = { ...whole, added_tokens: [{ content: 'odd', id }] };
    for (const tokenizer of [vocab, added]) {
      expect(() => load(tokenizer)).toThrow(InputError);
      expect(() => load(tokenizer)).toThrow(
        /models\/x\/tokenizer\.json: the token "odd" has the id .*; get it again/,
      );
    }
  });
});

describe('work without an end', () => {
  const split = (pattern: string): Json => ({
    type: 'Split',
    pattern: { Regex: pattern },
    behavior: 'Isolated',
    invert: false,
  });
  const guard = (limitMs: number) => endable(new AbortController().signal, limitMs);

  test.each([
    ['a pattern with nested repetitions', { pre_tokenizer: split('(a+)+$') }],
    [
      'a normalizer with one',
      { normalizer: { type: 'Replace', pattern: { Regex: '(a|a)*$' }, content: 'b' } },
    ],
    ['one that looks for what no text has', ENDLESS.encode],
    ['pieces of no length', { pre_tokenizer: { type: 'FixedLength', length: 0 } }],
  ])('%s is ended by the limit, and the file is named', (_, parts) => {
    let limit = guard(1e6);
    const tokenizer = load({ ...whole, ...parts }, (work) => limit(work));
    limit = guard(300);
    expect(() => tokenizer.encode(TEXT)).toThrow(UnsupportedError);
    expect(() => tokenizer.encode(TEXT)).toThrow(
      /models\/x\/tokenizer\.json: turning text into tokens failed: it takes more than 0\.3 s, as patterns/,
    );
  });

  test('in what is done when the file is loaded as well', () => {
    expect(() => load({ ...whole, ...ENDLESS.load }, guard(300))).toThrow(/loading it failed: it takes/);
  });

  test('is ended by Ctrl-C, of which those who listen are told', () => {
    const heard: string[] = [];
    const listener = () => heard.push('SIGINT');
    process.on('SIGINT', listener);
    // The interrupt of a terminal, while the work is under way.
    const interrupted: Guard = (work) =>
      guard(1e6)(() => {
        if (tokenizer) process.kill(process.pid, 'SIGINT');
        return work();
      });
    let tokenizer: Tokenizer | undefined;
    try {
      tokenizer = load({ ...whole, pre_tokenizer: split('(a+)+$') }, interrupted);
      expect(() => tokenizer!.encode(TEXT)).toThrow(expect.objectContaining({ name: 'AbortError' }));
    } finally {
      process.off('SIGINT', listener);
    }
    expect(heard).toEqual(['SIGINT']);
  });

  test('is not begun when the job was stopped', () => {
    const stopping = new AbortController();
    const tokenizer = load(whole, endable(stopping.signal));
    expect(tokenizer.encode(TEXT)).toEqual(load(whole).encode(TEXT));
    stopping.abort();
    expect(() => tokenizer.encode(TEXT)).toThrow(expect.objectContaining({ name: 'AbortError' }));
  });
});

describe('parts that are broken', () => {
  test.each([
    { type: 'TemplateProcessing' },
    { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<s>', type_id: 0 } }] },
    { type: 'RobertaProcessing' },
    { type: 'Sequence', processors: [{ type: 'Unheard' }] },
    { type: 'Unheard' },
    7,
  ])('the post-processor %j, which is not used, makes no difference', (post_processor) => {
    expect(load({ ...whole, post_processor }).encode(TEXT)).toEqual(load(whole).encode(TEXT));
  });

  test('a text with a piece that has no id is refused', () => {
    const vocab = [
      ['a', -1],
      ['b', -2],
    ];
    const tokenizer = load({
      ...whole,
      pre_tokenizer: null,
      model: { type: 'Unigram', vocab, unk_id: null },
    });
    expect(tokenizer.encode('ab')).toEqual([0, 1]);
    expect(() => tokenizer.encode('abc')).toThrow(
      /tokenizer\.json: turning text into tokens failed: it has a piece/,
    );
  });

  /** Replaces, removes or nests a value at a random place. */
  function broken(value: unknown, random: () => number): unknown {
    const below = (count: number) => Math.floor(random() * count);
    const odd = [null, 0, -1, 1e9, '', 'x', [], {}, true, [[]], { type: 'Sequence' }];
    if (typeof value !== 'object' || value === null || random() < 0.15) return odd[below(odd.length)];
    const keys = Object.keys(value);
    if (keys.length === 0) return odd[below(odd.length)];
    const key = keys[below(keys.length)]!;
    const changed = { ...value, [key]: broken((value as Json)[key], random) };
    if (random() < 0.1) delete (changed as Json)[key];
    return Array.isArray(value) ? Object.values(changed) : changed;
  }

  test('of any kind are explained', () => {
    const random = seededRandom(7);
    const guard = endable(new AbortController().signal, 5000);
    let refused = 0;
    for (let i = 0; i < 400; i++) {
      try {
        const tokenizer = load(broken(whole, random) as Json, guard);
        tokenizer.decode(tokenizer.encode(TEXT));
      } catch (error) {
        refused++;
        expect([InputError.name, UnsupportedError.name], String((error as Error).stack)).toContain(
          (error as Error).name,
        );
        expect((error as Error).message).toContain('models/x/tokenizer.json');
      }
    }
    expect(refused).toBeGreaterThan(50);
  });
});
