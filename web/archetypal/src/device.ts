import { Owned, callLater, init } from './runtime.js';
import { Device as Raw } from './wasm/archetypal.js';

/** What computes: `auto` takes WebGPU where there is a real GPU, else the CPU. */
export type Backend = 'auto' | 'gpu' | 'cpu';

/** Which device to open. */
export interface DeviceOptions {
  /** `auto` unless given. `gpu` also takes a GPU in software. */
  backend?: Backend;
  /**
   * A device that the page has already, to be shared. Its handler for uncaptured errors is replaced. It must offer
   * what WebGPU's defaults do; larger `maxStorageBufferBindingSize` and `maxBufferSize` allow for larger models.
   */
  device?: GPUDevice;
  /** Which GPU to prefer where there are several. */
  powerPreference?: GPUPowerPreference;
}

/** What computes: a GPU through WebGPU, or the CPU. */
export class Device {
  readonly #raw: Owned<Raw>;
  /** A name for people. */
  readonly name: string;
  /** Whether it is a GPU, real or in software. */
  readonly isGpu: boolean;
  /** Whether it is a GPU in software, which is far slower than the CPU backend. */
  readonly isFallback: boolean;
  /**
   * Resolves with a message when the device is lost; never rejects. All that lives on it then fails. Open another
   * device, and load what was saved.
   */
  readonly lost: Promise<string>;

  private constructor(raw: Raw) {
    this.#raw = new Owned(raw, 'device');
    this.name = raw.name;
    this.isGpu = raw.isGpu;
    this.isFallback = raw.isFallback;
    // Not `this`, which would then live for as long as the GPU's device.
    const { name } = this;
    const lost = raw.lost as Promise<GPUDeviceLostInfo> | undefined;
    this.lost = lost
      ? lost.then(({ reason, message }) => `${name} was lost (${reason}): ${message}`)
      : new Promise(() => {});
  }

  /**
   * Opens a device.
   *
   * @throws if there is none of that kind; never for `auto` and `cpu`.
   */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    await init();
    const { backend = 'auto', device, powerPreference } = options;
    if (backend !== 'auto' && backend !== 'gpu' && backend !== 'cpu') {
      throw new Error(`backend is ${JSON.stringify(backend)}, but must be auto, gpu or cpu.`);
    }
    if (device && backend !== 'cpu') return Device.#gpu(lend(device));
    if (backend === 'cpu') return Device.#cpu();
    const { gpu } = (globalThis.navigator ?? {}) as { gpu?: GPU };
    if (backend === 'gpu') {
      if (gpu) return Device.#gpu(gpu, powerPreference);
      throw new Error(
        'no usable device: there is no WebGPU here (navigator.gpu is missing). It needs a browser that has it and a ' +
          "page from https or localhost; backend 'cpu' works everywhere.",
      );
    }
    try {
      const found = gpu && (await Device.#gpu(gpu, powerPreference));
      if (found && !found.isFallback) return found;
      found?.free();
    } catch {
      // The CPU serves.
    }
    return Device.#cpu();
  }

  static #cpu(): Promise<Device> {
    return callLater(() => new Device(Raw.cpu()));
  }

  static #gpu(gpu: GPU, powerPreference?: GPUPowerPreference): Promise<Device> {
    return callLater(async () => new Device(await Raw.gpu(gpu, powerPreference)));
  }

  /** @internal A handle for one call. */
  share(): Raw {
    return this.#raw.get().share();
  }

  /** Gives the handle back. Models on the device keep it. */
  free(): void {
    this.#raw.free();
  }

  /** As {@link free}. */
  [Symbol.dispose](): void {
    this.free();
  }
}

/** As much of a `GPU` as is asked for, which has no other device than this one. */
function lend(device: GPUDevice): GPU {
  const { features, limits } = device;
  const info = device.adapterInfo ?? { vendor: '', architecture: '', device: '', description: '' };
  const adapter = { features, limits, info, requestDevice: async () => device };
  return { requestAdapter: async () => adapter } as unknown as GPU;
}

let usual: Promise<Device> | undefined;

/** @internal The device of those who name none: opened once, and anew after it was lost. */
export function deviceOr(device: Device | undefined): Promise<Device> {
  if (device) return Promise.resolve(device);
  if (!usual) {
    usual = Device.open();
    const forget = () => (usual = undefined);
    usual.then((opened) => opened.lost.then(forget), forget);
  }
  return usual;
}
