import { expect, test } from 'vitest';
import { defineKernel, defineVariant, type Workgroups } from '../../src/gpu/kernel.ts';

const definition = {
  name: 'example',
  wgsl: ['fn shared() {}', '#repeat i ROWS\nlet x$i = 0;\n#end'],
  scalars: { rows: 'u32', offset: 'i32', scale: 'f32' },
  inputs: { weight: 'vec4f', perm: 'u32' },
  outputs: { words: 'vec4u', highest: 'atomic<u32>' },
  workgroups: (): Workgroups => [1],
} as const;

const kernel = defineKernel({
  ...definition,
  directives: ['enable f16;'],
  constants: { ROWS: 2, SECOND_HALF: false },
});

test('directives, constants, scalars and bindings stand before the text, in the order of the record', () => {
  expect(kernel.wgsl).toBe(
    `enable f16;
const ROWS = 2u;
const SECOND_HALF = false;
struct Scalars {
  rows: u32,
  offset: i32,
  scale: f32,
}
@group(0) @binding(0) var<uniform> s: Scalars;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> perm: array<u32>;
@group(0) @binding(3) var<storage, read_write> words: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> highest: array<atomic<u32>>;
fn shared() {}
let x0 = 0;
let x1 = 0;`,
  );
});

test('a variant has the same names in the same places, with its own constants and elements', () => {
  const { workgroups } = definition;
  const variant = defineVariant(kernel, {
    ...{ name: 'variant', wgsl: ['fn main() {}'], workgroups, constants: { LANES: 64 } },
    inputs: { weight: 'f32' },
    outputs: { highest: 'u32' },
  });
  const changed = [
    ['enable f16;\nconst ROWS = 2u;\nconst SECOND_HALF = false;', 'const LANES = 64u;'],
    ['weight: array<vec4f>', 'weight: array<f32>'],
    ['highest: array<atomic<u32>>', 'highest: array<u32>'],
    [kernel.wgsl.slice(kernel.wgsl.indexOf('fn shared')), 'fn main() {}'],
  ] as const;
  expect(variant.wgsl).toBe(changed.reduce((text, [from, to]) => text.replace(from, to), kernel.wgsl));
});

test('types and names that are wrong are refused by TypeScript', () => {
  // @ts-expect-error: not an element type of WGSL
  defineKernel({ ...definition, inputs: { weight: 'float' } });
  // @ts-expect-error: not a type of scalars
  defineKernel({ ...definition, scalars: { rows: 'vec4f' } });
  // @ts-expect-error: the kernel has no such input
  defineVariant(kernel, { ...definition, inputs: { wieght: 'f32' } });
});
