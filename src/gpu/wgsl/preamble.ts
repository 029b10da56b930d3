/** The declarations of a kernel's WGSL, written from its record, so that the two cannot disagree. */

export type ScalarType = 'u32' | 'i32' | 'f32';

/** Of a tensor's elements, as WGSL spells it. */
export type ElementType = ScalarType | 'vec2u' | 'vec4u' | 'vec4f' | 'atomic<u32>';

/** What a kernel takes and makes, under the names that its WGSL uses. */
export interface Signature<S extends string = string, I extends string = string, O extends string = string> {
  /** Fields of the uniform struct `s`, in its order. */
  readonly scalars: Readonly<Record<S, ScalarType>>;
  /** Read-only storage, an array of these elements each. */
  readonly inputs: Readonly<Record<I, ElementType>>;
  /** Read-write storage. */
  readonly outputs: Readonly<Record<O, ElementType>>;
}

/** Constants of the WGSL: whole numbers are u32. */
export type Constants = Readonly<Record<string, number | boolean>>;

/**
 * @param directives what comes before all declarations: `enable f16;`.
 * @returns WGSL: directives, constants, the struct at binding 0, then inputs and outputs, in the record's order.
 */
export function preamble(
  { scalars, inputs, outputs }: Signature,
  constants: Constants,
  directives: readonly string[],
): string {
  const arrays = [
    ...Object.entries(inputs).map(([name, type]) => `var<storage, read> ${name}: array<${type}>;`),
    ...Object.entries(outputs).map(([name, type]) => `var<storage, read_write> ${name}: array<${type}>;`),
  ];
  return [
    ...directives,
    ...Object.entries(constants).map(
      ([name, value]) => `const ${name} = ${typeof value === 'number' ? `${value}u` : value};`,
    ),
    'struct Scalars {',
    ...Object.entries(scalars).map(([name, type]) => `  ${name}: ${type},`),
    '}',
    ...['var<uniform> s: Scalars;', ...arrays].map((variable, i) => `@group(0) @binding(${i}) ${variable}`),
  ].join('\n');
}
