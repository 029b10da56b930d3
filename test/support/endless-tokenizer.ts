import { tinyModel } from './tiny-model.ts';

/** Parts of a tokenizer.json whose patterns have nested repetitions: each character doubles the ways to try. */
export const ENDLESS = {
  /** Comes to no end when it is loaded. */
  load: {
    normalizer: { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: 'b' },
    added_tokens: [{ content: `${'a'.repeat(60)}!`, id: 0, normalized: true }],
  },
  /** Comes to no end with any text of some length. */
  encode: {
    pre_tokenizer: {
      type: 'Split',
      pattern: { Regex: '([^\u0001]+)+\u0001' },
      behavior: 'Isolated',
      invert: false,
    },
  },
};

/** The tiny model's files with such a tokenizer. */
export function endlessTokenizer(task: keyof typeof ENDLESS): Map<string, Buffer> {
  const files = tinyModel();
  const whole = JSON.parse(String(files.get('tokenizer.json')));
  return files.set('tokenizer.json', Buffer.from(JSON.stringify({ ...whole, ...ENDLESS[task] })));
}
