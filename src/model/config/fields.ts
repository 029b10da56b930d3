import { InputError } from '../../util/errors.ts';

export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Typed, checked access to one JSON object; errors name the field, its value and what is expected. A name with dots is
 * that of a field within fields, `attn_config.rope_theta`.
 */
export class Fields {
  readonly values: Readonly<Record<string, unknown>>;
  readonly #where: string;
  readonly #others: Readonly<Record<string, string>>;

  /**
   * Throws InputError when `json` is not an object. `where` names it in messages; `others`: what fields may be called
   * besides, by their usual names.
   */
  constructor(json: unknown, where: string, others: Readonly<Record<string, string>> = {}) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new InputError(`${where} holds ${show(json)}; expected a JSON object`);
    }
    this.values = json as Record<string, unknown>;
    this.#where = where;
    this.#others = others;
  }

  /** Undefined when the field is absent or null. */
  get(name: string): unknown {
    return this.#find(this.called(name)) ?? undefined;
  }

  /** Whether the field is there, and null. */
  isNull(name: string): boolean {
    return this.#find(this.called(name)) === null;
  }

  #find(path: string): unknown {
    const [name = '', ...within] = path.split('.');
    const value = Object.hasOwn(this.values, name) ? this.values[name] : undefined;
    if (within.length === 0) return value;
    if (value === undefined || value === null) return undefined;
    return new Fields(value, `${this.#where}: ${name}`).#find(within.join('.'));
  }

  /** What a field is called here. */
  called(name: string): string {
    return (this.#find(name) ?? undefined) === undefined ? (this.#others[name] ?? name) : name;
  }

  /** An InputError about this field. */
  wrong(name: string, expected: string): InputError {
    const called = this.called(name);
    return new InputError(`${this.#where}: ${called} is ${show(this.#find(called))}; expected ${expected}`);
  }

  number(name: string, range: NumberRange): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !(value >= range.min && value <= range.max)) {
      throw this.wrong(name, `a number from ${range.min} to ${range.max}`);
    }
    return value;
  }

  integer(name: string, range: NumberRange): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!Number.isInteger(value) || (value as number) < range.min || (value as number) > range.max) {
      throw this.wrong(name, `an integer from ${range.min} to ${range.max}`);
    }
    return value as number;
  }

  boolean(name: string, absent = false): boolean {
    const value = this.get(name) ?? absent;
    if (typeof value !== 'boolean') throw this.wrong(name, 'true or false');
    return value;
  }

  text(name: string): string | undefined {
    const value = this.get(name);
    if (value !== undefined && typeof value !== 'string') throw this.wrong(name, 'a string');
    return value;
  }

  texts(name: string): readonly string[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
      throw this.wrong(name, 'a list of strings');
    }
    return value;
  }

  numbers(name: string): readonly number[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'number')) {
      throw this.wrong(name, 'a list of numbers');
    }
    return value;
  }

  /** The object in this field. */
  fields(name: string): Fields | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : new Fields(value, `${this.#where}: ${name}`);
  }

  /** `value`, or InputError when the field was missing. */
  required<T>(name: string, value: T | undefined, expected: string): T {
    if (value === undefined) throw this.wrong(name, expected);
    return value;
  }
}

function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
