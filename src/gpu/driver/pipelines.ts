import { InternalError } from '../../util/errors.ts';
import type { Kernel } from '../kernel.ts';

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Compiles each kernel once per device. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #fail: (error: Error) => void;
  readonly #compiled = new Map<string, CompiledKernel>();
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #checks = new Set<Promise<void>>();

  /** `fail` is told of WGSL that does not compile. */
  constructor(device: GPUDevice, fail: (error: Error) => void) {
    this.#device = device;
    this.#fail = fail;
  }

  /** Waits until all WGSL so far has been checked. */
  async checked(): Promise<void> {
    await Promise.all(this.#checks);
  }

  /** Whether the device can build a kernel that takes an experimental feature; it does not fail otherwise. */
  async accepts({ name, wgsl, entryPoint }: Kernel): Promise<boolean> {
    this.#device.pushErrorScope('validation');
    const module = this.#device.createShaderModule({ label: name, code: wgsl });
    const compute = { module, entryPoint };
    const built = this.#device.createComputePipelineAsync({ label: name, layout: 'auto', compute }).then(
      () => true,
      () => false,
    );
    const error = await this.#device.popErrorScope().catch(() => undefined); // the device is lost: reported elsewhere
    return (await built) && !error;
  }

  get(kernel: Kernel): CompiledKernel {
    let compiled = this.#compiled.get(kernel.name);
    if (!compiled) {
      compiled = this.#compile(kernel);
      this.#compiled.set(kernel.name, compiled);
    }
    return compiled;
  }

  #compile(kernel: Kernel): CompiledKernel {
    const bindings: GPUBufferBindingLayout[] = [
      { type: 'uniform', hasDynamicOffset: true },
      ...Object.keys(kernel.inputs).map(() => ({ type: 'read-only-storage' as const })),
      ...Object.keys(kernel.outputs).map(() => ({ type: 'storage' as const })),
    ];
    const layout = this.#device.createBindGroupLayout({
      label: kernel.name,
      entries: bindings.map((buffer, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer,
      })),
    });
    const pipeline = this.#device.createComputePipeline({
      label: kernel.name,
      layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module: this.#module(kernel), entryPoint: kernel.entryPoint },
    });
    return { pipeline, layout };
  }

  #module(kernel: Kernel): GPUShaderModule {
    const cached = this.#modules.get(kernel.wgsl);
    if (cached) return cached;
    const module = this.#device.createShaderModule({ label: kernel.name, code: kernel.wgsl });
    this.#modules.set(kernel.wgsl, module);
    const check = this.#check(kernel, module).finally(() => this.#checks.delete(check));
    this.#checks.add(check);
    return module;
  }

  async #check(kernel: Kernel, module: GPUShaderModule): Promise<void> {
    const info = await module.getCompilationInfo().catch(() => undefined); // the device is lost: reported elsewhere
    const errors = info?.messages.filter((message) => message.type === 'error') ?? [];
    if (errors.length > 0) this.#fail(new InternalError(compileErrors(kernel, errors)));
  }
}

/** The messages with the lines of WGSL that they speak of. */
function compileErrors(kernel: Kernel, errors: readonly GPUCompilationMessage[]): string {
  const lines = kernel.wgsl.split('\n');
  const text = errors.map(
    (e) => `${kernel.name}:${e.lineNum}:${e.linePos} ${e.message}\n    ${lines[e.lineNum - 1]}`,
  );
  return `WGSL of kernel ${kernel.name} does not compile:\n${text.join('\n')}`;
}
