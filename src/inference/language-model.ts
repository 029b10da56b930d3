import { padColumns } from '../exl2/packed-linear.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Scope, withScope } from '../gpu/scope.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { runModule } from '../model/forward.ts';
import { loadEmbeddings, loadPositions, spread } from '../model/gpu/embedding.ts';
import type { AnyLinear } from '../model/gpu/linear.ts';
import { finishLogits, GpuOps, type ModuleWeights, normalize, project } from '../model/gpu/ops.ts';
import { routeTokens } from '../model/gpu/routing.ts';
import { headSliceBytes, headSlices, type NormWeight } from '../model/gpu/weights.ts';
import type { ModuleSpec } from '../model/spec.ts';
import { loadFinalNorm, loadHeadSlice, loadWeights } from '../runnable/load.ts';
import type { RunnableModel } from '../runnable/runnable-model.ts';
import { KvCache } from './kv-cache.ts';

/** Tokens of a prompt that are run at a time. */
const PROMPT_PIECE = 512;

/** The final norm and the head, in slices of the vocabulary. */
interface LoadedHead {
  readonly norm: NormWeight;
  readonly slices: readonly AnyLinear[];
}

/** A module, ready to run. */
interface LoadedModule {
  readonly module: ModuleSpec;
  readonly weights: ModuleWeights;
}

/** A model whose weights stay on the GPU, for generating text; EXL2 weights stay packed. */
export class LanguageModel {
  readonly model: RunnableModel;
  readonly #gpu: Gpu;
  readonly #scope: Scope;
  readonly #blocks: readonly LoadedModule[];
  readonly #head: LoadedHead;

  private constructor(
    gpu: Gpu,
    scope: Scope,
    model: RunnableModel,
    blocks: LoadedModule[],
    head: LoadedHead,
  ) {
    this.#gpu = gpu;
    this.#scope = scope;
    this.model = model;
    this.#blocks = blocks;
    this.#head = head;
  }

  /** Loads all weights. Throws OutOfMemoryError when they do not fit. `onModule` is called before each module. */
  static async load(
    gpu: Gpu,
    model: RunnableModel,
    onModule: (done: number, total: number) => void = () => {},
  ): Promise<LanguageModel> {
    const scope = new Scope(gpu);
    const { modules, head } = model.outline;
    try {
      const blocks: LoadedModule[] = [];
      for (const module of modules) {
        onModule(blocks.length, modules.length + 1);
        blocks.push({ module, weights: await loadWeights(gpu, scope, model, module) });
      }
      onModule(modules.length, modules.length + 1);
      const slices: AnyLinear[] = [];
      for (const columns of headSlices(head, headSliceBytes(gpu)))
        slices.push(await loadHeadSlice(gpu, scope, model, columns));
      const norm = await loadFinalNorm(scope, model);
      await gpu.sync();
      return new LanguageModel(gpu, scope, model, blocks, { norm, slices });
    } catch (error) {
      scope.freeAll();
      throw error;
    }
  }

  /** A cache for a text of at most `capacity` tokens; its tensors belong to `scope`. */
  newCache(scope: Scope, capacity: number): KvCache {
    return new KvCache(this.#gpu, scope, this.model.outline, capacity);
  }

  /** Runs the next tokens of a text, at least one; gives the logits (vocabulary) of the token after them. */
  async next(ids: readonly number[], cache: KvCache): Promise<Float32Array> {
    for (let start = 0; ; start += PROMPT_PIECE) {
      const piece = ids.slice(start, start + PROMPT_PIECE);
      const isLast = start + PROMPT_PIECE >= ids.length;
      const logits = await this.#run(piece, cache, isLast);
      if (isLast) return logits;
      await this.#gpu.sync();
    }
  }

  free(): void {
    this.#scope.freeAll();
  }

  /** Logits of the last of `ids`; none unless they are wanted. */
  #run(ids: readonly number[], cache: KvCache, wanted: boolean): Promise<Float32Array> {
    const { source, outline } = this.model;
    return withScope(this.#gpu, async (scope) => {
      const { hiddenSize } = outline.config;
      const tokens = Int32Array.from(ids);
      const vectors = await loadEmbeddings(this.#gpu, scope, source, outline, tokens);
      const at = await loadPositions(this.#gpu, scope, source, outline, cache.past, ids.length);
      let x = spread(this.#gpu, scope, vectors, tokens, at);
      let residual = x;
      const context = cache.context(ids.length);
      for (const { module, weights } of this.#blocks) {
        residual = await withScope(this.#gpu, async (block) => {
          const routing = await routeTokens(context, block, weights, module, x);
          const ops = new GpuOps(context, block, weights, routing);
          return scope.adopt(block.keep(runModule(ops, module, { x, residual })));
        });
        if (!module.keepsInput) x = residual;
      }
      cache.advance(ids.length);
      if (!wanted) return new Float32Array();
      const last = scope.alloc([1, hiddenSize], 'last state');
      this.#gpu.copy({ ...residual, ...lastRow(residual) }, last);
      const { norm } = this.#head;
      return this.#logits(scope, normalize(this.#gpu, scope, last, norm));
    });
  }

  async #logits(scope: Scope, normed: GpuTensor): Promise<Float32Array> {
    const logits = new Float32Array(this.model.outline.config.vocabSize);
    let start = 0;
    for (const slice of this.#head.slices) {
      const part = project({ gpu: this.#gpu, mixed: false }, scope, normed, slice);
      finishLogits(this.#gpu, part, this.model.outline);
      const values = await this.#gpu.read(part);
      logits.set(new Float32Array(values).subarray(0, logits.length - start), start);
      start += padColumns(slice.n);
    }
    return logits;
  }
}

/** Offset and size of the last row: good enough to be copied, not to be bound. */
function lastRow({ offset, shape }: GpuTensor): Pick<GpuTensor, 'offset' | 'size'> {
  const [rows, width] = shape as [number, number];
  return { offset: offset + (rows - 1) * width * 4, size: width * 4 };
}
