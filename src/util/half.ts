/**
 * f32 ↔ f16 and bf16 → f32 in integer arithmetic: IEEE 754, round to nearest even.
 * WGSL may round either way, so every stored half is made by this rule (there: `shaders/lib/half.wgsl`).
 */

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** The bits of the half nearest to `value` (ties to even; overflow gives infinity, NaN stays NaN). */
export function f32ToF16Bits(value: number): number {
  f32[0] = value;
  const x = u32[0]!;
  const sign = (x >>> 16) & 0x8000;
  const abs = x & 0x7fffffff;
  if (abs >= 0x7f800000) return sign | (abs > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (abs >= 0x477ff000) return sign | 0x7c00; // 65520 and above round to infinity
  if (abs < 0x38800000) {
    // Below 2^-14: a subnormal half counts units of 2^-24.
    if (abs < 0x33000000) return sign;
    const shift = 126 - (abs >>> 23);
    const mantissa = (abs & 0x7fffff) | 0x800000;
    const half = 1 << (shift - 1);
    const floor = mantissa >>> shift;
    const rest = mantissa & ((1 << shift) - 1);
    return sign | (floor + (rest > half || (rest === half && (floor & 1) === 1) ? 1 : 0));
  }
  const rounded = abs - 0x38000000 + 0xfff + ((abs >>> 13) & 1);
  return sign | (rounded >>> 13);
}

/** The value of the half with these bits, exact. */
export function f16BitsToF32(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

let table: Float32Array | undefined;

/** Converts halves to f32 through a table of all 65536 values. */
export function f16ToF32Array(source: Uint16Array, target = new Float32Array(source.length)): Float32Array {
  if (!table) {
    table = new Float32Array(65536);
    for (let i = 0; i < 65536; i++) table[i] = f16BitsToF32(i);
  }
  for (let i = 0; i < source.length; i++) target[i] = table[source[i]!]!;
  return target;
}

/** Rounds every element to half precision; returns the bits. */
export function f32ToF16Array(source: Float32Array, target = new Uint16Array(source.length)): Uint16Array {
  for (let i = 0; i < source.length; i++) target[i] = f32ToF16Bits(source[i]!);
  return target;
}

/** Widens bf16 (the upper half of an f32), exact. */
export function bf16ToF32Array(source: Uint16Array, target = new Float32Array(source.length)): Float32Array {
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i]! << 16;
  return target;
}
