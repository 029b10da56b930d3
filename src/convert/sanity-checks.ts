import type {
  AllocationEvent,
  ConvertEvent,
  EvaluationEvent,
  ModuleEvent,
  PerplexityEvent,
  ReferenceEvent,
  TrialEvent,
} from '../job/events.ts';

/** Good models have 3 to 30 on plain text, a tiny one some hundreds on text unlike what it was trained with. */
const BROKEN_PERPLEXITY = 1000;
/** A model that knows nothing has a perplexity of its vocabulary. */
const BROKEN_SHARE = 0.25;
/** A module's error after quantizing is on other rows than its measurement, and on inputs that err already. */
const UNEXPECTED_FACTOR = 2;
const UNEXPECTED_LEAST = 0.02;
/** The best candidate has about 8 bits and errs by about 0.01. */
const HOPELESS_ERROR = 0.2;
/** 2.5 bits triple the perplexity of a small model; that is about what anyone would still use. */
const RUINED_FACTOR = 3;
/** How much more the perplexity may rise on held-out text than on the calibration rows. */
const OVERFIT_FACTOR = 1.5;

/** Looks at what a conversion reports, and says what is wrong as soon as it shows, and what to do. */
export class SanityChecks {
  #vocabulary = Number.POSITIVE_INFINITY;
  /** Of the chosen candidates, by module. */
  #expected: ReadonlyMap<string, number> = new Map();
  #trials: TrialEvent[] = [];
  #calibrated: { original?: number; ratio?: number } = {};

  /** What is to be warned of after this event. */
  see(event: ConvertEvent): string[] {
    switch (event.type) {
      case 'start':
        this.#vocabulary = event.model.vocabSize;
        return [];
      case 'reference':
        return this.#reference(event);
      case 'trial':
        this.#trials.push(event);
        return [];
      case 'allocation':
        this.#expected = expectedErrors(event);
        return [];
      case 'module':
        return event.stage === 'measure' ? this.#measured(event) : this.#quantized(event);
      case 'perplexity':
        return this.#perplexity(event);
      case 'evaluation':
        return this.#evaluation(event);
      default:
        return [];
    }
  }

  #reference({ perplexity }: ReferenceEvent): string[] {
    if (
      Number.isFinite(perplexity) &&
      perplexity <= Math.min(BROKEN_PERPLEXITY, this.#vocabulary * BROKEN_SHARE)
    ) {
      return [];
    }
    return [
      `The original model has a perplexity of ${show(perplexity)} on plain text, before anything is quantized: it looks ` +
        'broken as it comes. Check that all files are whole and of the same model (config.json, tokenizer.json, ' +
        'weights). If it was made for something else than text, calibrate with your own data.',
    ];
  }

  #measured({ key }: ModuleEvent): string[] {
    const errors = this.#trials.filter(({ module }) => module === key).map(({ error }) => error);
    // Other workers measure other modules.
    this.#trials = this.#trials.filter(({ module }) => module !== key);
    if (errors.some((error) => !Number.isFinite(error))) {
      return [
        `${key}: a trial gave no finite error, so its states have overflowed or its weights are damaged. Check the ` +
          'original model’s files; the result will not be usable.',
      ];
    }
    const least = Math.min(...errors);
    if (least <= HOPELESS_ERROR || errors.length === 0) return [];
    return [
      `${key}: even its best candidate errs by ${show(least)}. Its inputs may have extreme outliers, or the calibration ` +
        'text does not suit the model: compare the result carefully, or calibrate with text like the model’s own.',
    ];
  }

  #quantized({ key, rfnError = 0 }: ModuleEvent): string[] {
    const expected = this.#expected.get(key);
    if (!Number.isFinite(rfnError)) {
      return [`${key}: its output is not finite after quantizing; the result will not be usable.`];
    }
    if (expected === undefined || rfnError <= Math.max(UNEXPECTED_FACTOR * expected, UNEXPECTED_LEAST))
      return [];
    return [
      `${key} errs by ${show(rfnError)}; its measurement promised ${show(expected)}. The measurement may be of another ` +
        'model or of too few rows: measure again with more rows (--measurement_rows), or give the model more bits.',
    ];
  }

  #perplexity({ model, value }: PerplexityEvent): string[] {
    if (model === 'original') {
      this.#calibrated = { original: value };
      return [];
    }
    const { original } = this.#calibrated;
    if (original === undefined) return [];
    this.#calibrated = { original, ratio: value / original };
    return ruined(value, original, 'the calibration rows');
  }

  #evaluation({ measures }: EvaluationEvent): string[] {
    const { reference, model } = measures.perplexity;
    const { ratio } = this.#calibrated;
    const warnings = ruined(model, reference, 'held-out text');
    if (ratio !== undefined && model / reference > OVERFIT_FACTOR * ratio) {
      warnings.push(
        `On held-out text the perplexity rises by a factor of ${show(model / reference)}, on the calibration rows only ` +
          `by ${show(ratio)}: the weights fit the calibration text too closely. Calibrate with more and more varied ` +
          'rows, or take more bits.',
      );
    }
    return warnings;
  }
}

const expectedErrors = ({ modules }: AllocationEvent): ReadonlyMap<string, number> =>
  new Map(modules.map(({ key, error }) => [key, error]));

function ruined(value: number, original: number, where: string): string[] {
  if (Number.isFinite(value) && !(value > RUINED_FACTOR * original)) return [];
  return [
    `On ${where} the quantized model has a perplexity of ${show(value)}, the original ${show(original)}: too few bits ` +
      'for this model. Take more bits; the measurement can be used again (--measurement).',
  ];
}

const show = (value: number): string => (Number.isFinite(value) ? value.toPrecision(3) : 'no number');
